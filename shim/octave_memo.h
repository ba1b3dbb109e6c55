/// Where the latest sample of a distribution was counted: the next one mostly falls into the same octave.
#pragma once

#include "reporter/record/histogram.h"
#include "shim/ordinary.h"

namespace flockstat::shim {

/// Private memory, for one Stat of the thread's own. Points into the arena, to a line that was checked when
/// it was learned and that never moves.
struct OctaveMemo {
    std::uint64_t low = 0;  ///< first value of the octave
    std::uint64_t span = 0; ///< values in it; 0: nothing is known
    unsigned shift = 0;     ///< log2 of the values in a step
    record::OctaveCounts *line = nullptr;

    /// Counts a value of this octave; false where it is of another.
    [[nodiscard, gnu::always_inline]] bool count(std::uint64_t value) {
        if (!ordinary(value - low < span)) {
            return false;
        }
        std::uint32_t &count = line->counts[(value - low) >> shift];
        if (!ordinary(++count != 0)) {
            count = UINT32_MAX;
        }
        return true;
    }

    /// `value` was counted in `at`, the line of its octave.
    void learn(std::uint64_t value, record::OctaveCounts *at) {
        const unsigned octave = record::bucket_of(value) / record::steps_in_octave;
        low = record::bucket_low(octave * record::steps_in_octave);
        shift = octave == 0 ? 0 : octave - 1;
        span = std::uint64_t{record::steps_in_octave} << shift;
        line = at;
    }
};

} // namespace flockstat::shim
