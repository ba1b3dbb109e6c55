#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

#include <sstream>

using namespace flockstat::test;
using nlohmann::json;

// Locks belong to open files and to processes, never to threads: tests/programs/threads.c.

TEST_CASE("a lock outlives its thread, and any thread releases it", "[threads]") {
    for (const char *which : {"hand_over", "ends"}) {
        for (const char *family : {"flock", "posix", "ofd"}) {
            INFO(which << " " << family);
            const TempDirectory base;
            const json report =
                run_checkpoints({program("threads"), which, base / "l", family}, base / "run");
            const json lock = lock_of(report, base / "l", family);
            check_released(lock, {{"unlock", 1}});
            CHECK(lock["region"]["count"] == 1);
            CHECK(lock["exit"]["count"] == 1);
        }
    }
}

TEST_CASE("two hundred threads lock at once", "[threads]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("threads"), "crowd", base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, base / "l", "flock");
    CHECK(lock["granted"] == 200 * 50);
    check_released(lock, {{"unlock", 200 * 50}});
    CHECK(run.report["lost"]["calls"] == 0);
}

TEST_CASE("ten thousand threads one after the other need the room of one", "[threads]") {
    const TempDirectory base;
    const Command command{.argv = {program("threads"), "churn", base / "l"}};
    const RecordedRun run = flockstat_run(command, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, base / "l", "flock");
    CHECK(lock["granted"] == 10000);
    check_released(lock, {{"unlock", 10000}});
    for (const auto &[what, count] : run.report["lost"].items()) {
        INFO(what);
        CHECK(count == 0);
    }
    CHECK(run.report["run"]["threads"] >= 10000);
    CHECK(std::stol(run.outcome.out) < 512); // KiB in 5,000 threads; one page each would be 20,000
    // What is real of the sparse recording.
    const Outcome disk = run_command({.argv = {"du", "-k", base / "run" / "run.flk"}});
    INFO(disk.out);
    CHECK(std::stol(disk.out) < 512);
}

TEST_CASE("threads open, lock and close while others fork, and each call counts for its file", "[threads]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("fork_race"), base / "l", "16", "4", "2000"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    std::istringstream lines(run.outcome.out);
    std::string path;
    int files = 0;
    for (std::int64_t locked = 0, unlocked = 0; lines >> path >> locked >> unlocked; ++files) {
        const json lock = lock_of(run.report, path, "flock");
        INFO(lock.dump(1));
        CHECK(lock["granted"] == locked);
        CHECK(lock["attempts"] == locked);
        CHECK(lock["unlocks"] == unlocked);
        CHECK(lock["released"]["converted"] == 0);
    }
    CHECK(files == 16);
    CHECK(run.report["unattributed"]["flock"]["attempts"] == 0);
    CHECK(run.report["unattributed"]["flock"]["unlocks"] == 0);
    CHECK(run.report["lost"]["calls"] == 0);
}
