// Wait counters that a program drives, in its process (shim/wait_counters.h) and as they are read back.
#include "shim/wait_counters.h"

#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flockstat;
using namespace flockstat::test;

namespace {

const reporter::WaitCounter &counter_of(const reporter::Run &run, const std::string &name) {
    const auto found = std::ranges::find(run.wait_counters, name, &reporter::WaitCounter::name);
    REQUIRE(found != run.wait_counters.end());
    return *found;
}

} // namespace

// One case: a process has its keys once, for the one arena that it ever has.
TEST_CASE("waits are read back with their times, their distribution and how many there were at once") {
    Recording recording;
    shim::KeyCounter *many = shim::find_key_counter("many");
    shim::KeyCounter *nested = shim::find_key_counter("nested");
    REQUIRE(many != nullptr);
    REQUIRE(nested != nullptr);
    CHECK(shim::find_key_counter("many") == many);

    for (int i = 1; i <= 100; ++i) {
        const std::int64_t at = i * 10'000;
        shim::stop_wait(*many, at + i, shim::start_wait(*many, at));
    }
    const std::int64_t outer = shim::start_wait(*nested, 5'000'000);
    const std::int64_t inner = shim::start_wait(*nested, 5'000'100);
    const std::int64_t third = shim::start_wait(*nested, 5'000'200);
    shim::stop_wait(*nested, 5'000'300, outer); // not in the order of nesting
    shim::stop_wait(*nested, 5'000'700, third);
    CHECK(inner != 0);

    const reporter::Run run = recording.read();
    const reporter::WaitCounter &read = counter_of(run, "many");
    CHECK(read.waits.count == 100);
    CHECK(read.waits.sum_ns == 5050 * us);
    CHECK(read.waits.min_ns == 1 * us);
    CHECK(read.waits.max_ns == 100 * us);
    CHECK(read.waits.last_ns == 100 * us);
    CHECK(std::abs(static_cast<double>(read.waits.percentile(50)) / 1e3 - 50) <= 50 * 0.032);
    CHECK(std::abs(static_cast<double>(read.waits.percentile(90)) / 1e3 - 90) <= 90 * 0.032);
    CHECK(read.active == 0);
    CHECK(read.max_active == 1);
    CHECK(read.busy_ns == 5050 * us);

    const reporter::WaitCounter &overlapping = counter_of(run, "nested");
    CHECK(overlapping.waits.count == 2);
    CHECK(overlapping.waits.sum_ns == 800 * us);
    CHECK(overlapping.active == 1); // and never stopped
    CHECK(overlapping.max_active == 3);

    shim::stop_wait(*nested, 6'000'000, 0); // was not counted when it began
    shim::stop_wait(*nested, 5'001'000, inner);
    const reporter::Run later = recording.read();
    CHECK(counter_of(later, "nested").active == 0);
    CHECK(counter_of(later, "nested").waits.count == 3);
    CHECK(counter_of(later, "nested").busy_ns == 1000 * us);
}
