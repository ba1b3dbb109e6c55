/// The distribution of a Stat: 16 steps an octave, so a percentile is within 1/32 (3.2 %) of the truth.
#pragma once

#include "reporter/record/arena.h"

#include <bit>

namespace flockstat::record {

/// Octave 0 holds 0..15, one step each; octave k holds 2^(k+3) up to 2^(k+4), in 16 steps. The last one takes
/// all above.
inline constexpr unsigned octave_count = 54;
inline constexpr unsigned steps_in_octave = 16;
inline constexpr unsigned bucket_count = octave_count * steps_in_octave;

/// Counts of one octave: one cache line, taken when the octave gets its first sample. Counts stay at their
/// greatest value when they reach it: by then a single sample more or less moves no percentile.
struct alignas(64) OctaveCounts {
    std::uint32_t counts[steps_in_octave];
};

struct Histogram {
    Ref octaves[octave_count];
    std::uint32_t reserved[2];
};

/// The bucket (0 up to bucket_count) of a value in ticks.
[[nodiscard]] constexpr unsigned bucket_of(std::uint64_t value) {
    if (value < steps_in_octave) {
        return static_cast<unsigned>(value);
    }
    const unsigned top_bit = 63U - static_cast<unsigned>(std::countl_zero(value));
    const unsigned octave = top_bit - 3U;
    if (octave >= octave_count) {
        return bucket_count - 1;
    }
    return octave * steps_in_octave + static_cast<unsigned>((value >> (top_bit - 4U)) & 15U);
}

/// The smallest value of a bucket.
[[nodiscard]] constexpr std::uint64_t bucket_low(unsigned bucket) {
    const unsigned octave = bucket / steps_in_octave;
    const std::uint64_t step = bucket % steps_in_octave;
    if (octave == 0) {
        return step;
    }
    return (16U + step) << (octave - 1U);
}

/// The value that stands for a bucket's samples: its middle.
[[nodiscard]] constexpr std::uint64_t bucket_middle(unsigned bucket) {
    const unsigned octave = bucket / steps_in_octave;
    const std::uint64_t width = octave == 0 ? 1U : std::uint64_t{1} << (octave - 1U);
    return bucket_low(bucket) + width / 2U;
}

static_assert(bucket_of(15) == 15 && bucket_of(16) == 16 && bucket_of(31) == 31 && bucket_of(32) == 32);
static_assert(bucket_low(bucket_of(1'000'000)) <= 1'000'000 &&
              bucket_low(bucket_of(1'000'000) + 1) > 1'000'000);

} // namespace flockstat::record
