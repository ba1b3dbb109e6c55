// The buckets of a distribution: how far off a percentile can be.
#include "reporter/record/histogram.h"

#include <catch2/catch.hpp>

#include <random>

using namespace flockstat::record;

namespace {

/// Values from here on share the last bucket.
constexpr std::uint64_t beyond_all = std::uint64_t{1} << 57U;

bool is_in_its_bucket(std::uint64_t value) {
    const unsigned bucket = bucket_of(value);
    return bucket < bucket_count && bucket_low(bucket) <= value &&
           (bucket + 1 == bucket_count || value < bucket_low(bucket + 1));
}

bool is_within_a_32nd_of_its_middle(std::uint64_t value) {
    const std::uint64_t middle = bucket_middle(bucket_of(value));
    return (value > middle ? value - middle : middle - value) <= value / 32;
}

} // namespace

TEST_CASE("small values have buckets of their own") {
    for (std::uint64_t value = 0; value < 32; ++value) {
        CHECK(bucket_of(value) == value);
        CHECK(bucket_middle(bucket_of(value)) == value);
    }
}

TEST_CASE("every bucket begins where the one before ends") {
    CHECK(bucket_low(0) == 0);
    for (unsigned bucket = 1; bucket < bucket_count; ++bucket) {
        CAPTURE(bucket);
        const std::uint64_t low = bucket_low(bucket);
        CHECK(bucket_of(low) == bucket);
        CHECK(bucket_of(low - 1) == bucket - 1);
        CHECK(bucket_low(bucket) > bucket_low(bucket - 1));
        CHECK(bucket_of(bucket_middle(bucket)) == bucket);
    }
}

TEST_CASE("a bucket's middle is within a 32nd of every value in it") {
    unsigned wrong = 0;
    // The ends of a bucket are the farthest from its middle.
    for (unsigned bucket = 0; bucket < bucket_count; ++bucket) {
        const std::uint64_t next = bucket + 1 < bucket_count ? bucket_low(bucket + 1) : beyond_all;
        wrong += is_within_a_32nd_of_its_middle(bucket_low(bucket)) ? 0U : 1U;
        wrong += is_within_a_32nd_of_its_middle(next - 1) ? 0U : 1U;
    }
    std::mt19937_64 random(7);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t value = random() >> (7 + random() % 57); // all magnitudes alike
        wrong += is_within_a_32nd_of_its_middle(value) && is_in_its_bucket(value) ? 0U : 1U;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a greater value has no lower bucket") {
    std::mt19937_64 random(11);
    unsigned wrong = 0;
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t one = random() >> (random() % 64);
        const std::uint64_t other = random() >> (random() % 64);
        wrong += one <= other && bucket_of(one) > bucket_of(other) ? 1U : 0U;
    }
    CHECK(wrong == 0);
}

TEST_CASE("the last bucket takes all that is greater") {
    CHECK(bucket_of(beyond_all - 1) == bucket_count - 1);
    CHECK(bucket_of(beyond_all) == bucket_count - 1);
    CHECK(bucket_of(UINT64_MAX) == bucket_count - 1);
}
