#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"
#include "tests/support/soak.h"

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

TEST_CASE("a thread that main left the process to locks files that have names", "[threads]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("threads"), "main_ends", base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 1}});
    CHECK(run.report["processes"][0]["ended"] == "exit");
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
        std::int64_t ended = 0;
        for (const auto &[cause, count] : lock["released"].items())
            ended += count.get<std::int64_t>();
        CHECK(ended == locked);
        CHECK(lock["released"]["unlock"] == unlocked);
        CHECK(lock["released"]["converted"] == 0);
        CHECK(lock["released"]["still_held"] == 0);
    }
    CHECK(files == 16);
    CHECK(run.report["unattributed"]["flock"]["attempts"] == 0);
    CHECK(run.report["unattributed"]["flock"]["unlocks"] == 0);
    CHECK(run.report["lost"]["calls"] == 0);
}

namespace {

std::int64_t sum_over_locks(const json &report, const char *key) {
    std::int64_t sum = 0;
    for (const json &lock : report["locks"])
        sum += lock[key].get<std::int64_t>();
    return sum;
}

/// tests/programs/many.c: `pairs` flock pairs, all of them recorded. Returns by how many KiB of its own the
/// program's memory grew.
long check_many(const std::string &what, std::int64_t count, std::int64_t pairs, const std::string &arena) {
    INFO(what << " " << count);
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("many"), what, base / "l", std::to_string(count)},
                                           .limit = std::chrono::seconds(600)},
                                          base / "run", {"--arena", arena});
    REQUIRE(run.outcome.status == 0);
    CHECK(sum_over_locks(run.report, "granted") == pairs);
    CHECK(sum_over_locks(run.report, "unlocks") == pairs);
    std::int64_t regions = 0;
    for (const json &lock : run.report["locks"])
        regions += lock["region"]["count"].get<std::int64_t>();
    CHECK(regions == pairs);
    for (const auto &[name, lost] : run.report["lost"].items()) {
        INFO(name);
        CHECK(lost == 0);
    }
    return std::stol(run.outcome.out);
}

} // namespace

TEST_CASE("a thousand threads at once need little each", "[threads]") {
    const long kib = check_many("threads", 1000, 2000, "64");
    CHECK(kib < 1000 * 64); // of which the threads' own stacks have some
}

TEST_CASE("many processes, files and calls are counted to the last", "[threads]") {
    check_many("processes", 300, 300, "64");
    check_many("files", 2000, 2000, "64");
    check_many("calls", 100'000, 100'000, "64");
}

TEST_CASE("fork storm: short processes that each lock", "[.soak]") {
    check_many("processes", 20'000, 20'000, "64");
    soak_row("20,000 processes", "totals exact");
}

TEST_CASE("exec storm: a shell runs programs that each lock", "[.soak]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run =
        flockstat_run({.argv = {"/bin/bash", "-c", "for i in {1..5000}; do flock " + path + " true; done"},
                       .limit = std::chrono::seconds(280)},
                      base / "run");
    REQUIRE(run.outcome.status == 0);
    CHECK(lock_of(run.report, path, "flock")["granted"] == 5000);
    CHECK(run.report["lost"]["processes"] == 0);
    soak_row("5,000 programs, 10,000 processes", "totals exact");
}

TEST_CASE("threads that lock at once", "[.soak]") {
    for (int i = 0; i < 10; ++i)
        check_many("threads", 1000, 2000, "64");
    soak_row("1,000 threads, 10 times", "totals exact");
}

TEST_CASE("distinct locked files", "[.soak]") {
    const TempDirectory base;
    const Command many{.argv = {program("many"), "files", base / "l", "100000"},
                       .limit = std::chrono::seconds(280)};
    REQUIRE(run_command(under_flockstat(many, base / "run", {"--arena", "256"})).status == 0);
    // As JSON it is half a gigabyte.
    const Outcome csv =
        run_flockstat({"report", base / "run", "-f", "csv", "--table", "locks", "-O", base / "csv"});
    REQUIRE(csv.status == 0);
    const Outcome sums = run_command(
        {.argv = {"/usr/bin/python3", "-c",
                  "import csv, sys\n"
                  "rows = list(csv.DictReader(open(sys.argv[1])))\n"
                  "print(len(rows), *(sum(int(row[key]) for row in rows) for key in sys.argv[2:]))",
                  base / "csv", "granted", "unlocks", "region_count"}});
    CHECK(sums.out == "100000 100000 100000 100000\n");
    CHECK(read_file(base / "run" / "summary.txt").find("Nothing was lost.") != std::string::npos);
    soak_row("100,000 files, `--arena 256`", "totals exact");
}

TEST_CASE("lock calls of one process", "[.soak]") {
    check_many("calls", 10'000'000, 10'000'000, "64");
    soak_row("10,000,000 locks and unlocks", "totals exact");
}

TEST_CASE("more files and processes than the recording has room for", "[.soak]") {
    const TempDirectory base;
    const auto crowded = [&](const std::string &what, std::int64_t count) {
        const Command many{.argv = {program("many"), what, base / "l", std::to_string(count)},
                           .limit = std::chrono::seconds(280)};
        const RecordedRun run = flockstat_run(many, base / what, {"--arena", "1"});
        CHECK(run.outcome.status == 0);
        return run.report;
    };
    const json files = crowded("files", 20'000);
    const json &unattributed = files["unattributed"]["flock"];
    CHECK(sum_over_locks(files, "granted") + unattributed["attempts"].get<std::int64_t>() == 20'000);
    CHECK(sum_over_locks(files, "unlocks") + unattributed["unlocks"].get<std::int64_t>() == 20'000);
    CHECK(files["lost"]["locks"] == sum_of(unattributed, {"attempts", "unlocks"}));
    CHECK(files["lost"]["locks"] > 0);
    CHECK(files["lost"]["calls"] == 0);
    const json processes = crowded("processes", 20'000);
    const json &lost = processes["lost"];
    CHECK(sum_over_locks(processes, "granted") + lost["processes"].get<std::int64_t>() == 20'000);
    CHECK(lost["calls"] == lost["processes"].get<std::int64_t>() * 2);
    CHECK(lost["processes"] > 0);
    soak_row("20,000 files, 20,000 processes, `--arena 1`", "drops counted exactly");
}
