#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What conversions do, against the kernel's list of locks after each: tests/programs/conversions.c.

TEST_CASE("flock conversions end one region and begin another, and lose the lock where they fail",
          "[conversions]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const json report = run_checkpoints({program("conversions"), path}, base / "run");
    const json lock = lock_of(report, path, "flock");
    CHECK(lock["granted"] == 10);
    CHECK(lock["refused"] == 1);
    CHECK(lock["interrupted"] == 1);
    CHECK(lock["unlocks"] == 4);
    CHECK(lock["shared"]["region"]["count"] == 5);
    CHECK(lock["exclusive"]["region"]["count"] == 3);
    // Four that came about, and the two that failed.
    check_released(lock, {{"converted", 6}, {"unlock", 2}});
    CHECK(lock["exit"]["count"] == 2); // an unlock of nothing is no sample
}

TEST_CASE("posix and ofd locks of one file stand in each other's way", "[conversions]") {
    const TempDirectory base;
    for (const auto &[holder, asker] : {std::pair("posix", "ofd"), std::pair("ofd", "posix")}) {
        INFO(asker << " against " << holder);
        const std::string path = base / (std::string(holder) + "-held");
        Process other({.argv = {program("hold"), holder, path}});
        REQUIRE(other.read_line() == "held");
        const std::string directory = base / (std::string("run-") + asker);
        Process waiter(under_flockstat({.argv = {program("wait_lock"), asker, path}}, directory));
        REQUIRE(waiter.read_line() == "waiting");
        // It waits in the kernel before the holder lets go.
        const std::string awaited = run_command({.argv = {program("await_waiting"), path, "1"}}).out;
        REQUIRE(awaited == "1 waiting\n");
        other.send("go");
        (void)waiter.read_line();
        REQUIRE(waiter.wait().status == 0);
        const json lock = lock_of(read_report(directory), path, asker);
        CHECK(lock["contended"] == 1);
        CHECK(lock["wait"]["count"] == 1);
    }
}
