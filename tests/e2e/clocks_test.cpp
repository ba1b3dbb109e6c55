#include <csignal>
#include <random>

#include "tests/support/counted_calls.h"
#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;

// Processes that are stopped and go on, and clocks that jump: nothing is lost, and no time is longer than it
// was.

namespace {

constexpr std::size_t family_size = 4;

Command family(const TempDirectory &base) {
    return {.argv = {program("counted_family"), base / "counts", base / "l", std::to_string(family_size)}};
}

/// The longest time in the report of a run that took no more than `limit_ns`.
void check_times(const json &report, std::int64_t limit_ns) {
    CHECK(report["run"]["duration_ns"] <= limit_ns);
    for (const json &lock : report["locks"]) {
        INFO(lock.dump(1));
        for (const char *stat : {"enter", "region", "exit", "wait"})
            CHECK(lock[stat]["max_ns"] <= limit_ns);
        CHECK(lock["held_open_ns"] <= limit_ns * static_cast<std::int64_t>(family_size));
    }
}

/// Stops single processes at random moments, and, at the end, all of them for a while, as a machine that
/// sleeps does.
void check_stops(int stops, std::chrono::milliseconds sleep) {
    const TempDirectory base;
    const CountsFile counts(base / "counts", family_size);
    const auto began = std::chrono::steady_clock::now();
    Process run(under_flockstat(family(base), base / "run"));
    counts.await_attempts(20);
    std::mt19937 random(1);
    for (int i = 0; i < stops; ++i) {
        const auto victim = static_cast<pid_t>(counts.pid(random() % family_size));
        REQUIRE(kill(victim, SIGSTOP) == 0);
        usleep(static_cast<useconds_t>(random() % 2000)); // what others do meanwhile
        REQUIRE(kill(victim, SIGCONT) == 0);
    }
    counts.await_attempts(20);
    REQUIRE(kill(-run.pid(), SIGSTOP) == 0);
    usleep(static_cast<useconds_t>(std::chrono::microseconds(sleep).count())); // it is the fault itself
    REQUIRE(kill(-run.pid(), SIGCONT) == 0);
    counts.await_attempts(20);
    for (std::size_t i = 0; i < family_size; ++i)
        REQUIRE(kill(static_cast<pid_t>(counts.pid(i)), SIGKILL) == 0);
    CHECK(run.wait().status == 128 + SIGKILL);
    const std::int64_t took_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - began).count();
    const json report = read_report(base / "run");
    check_all_counted(report, counts.counts(), "killed");
    check_times(report, took_ns);
}

/// A run whose second process is in a time namespace of its own, some days before or after the others.
void check_time_namespace(const std::string &seconds) {
    INFO("monotonic clock " << seconds);
    const TempDirectory base;
    const std::string crowd = program("crowd").string() + " l 2 2 50; ";
    const RecordedRun run = flockstat_run(shell("flock l true; unshare --time --monotonic " + seconds +
                                                    " --fork sh -c '" + crowd + "' & " + crowd + "wait $!",
                                                base.path()),
                                          base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(lock_of(run.report, base / "l", "flock")["granted"] == 401);
    check_times(run.report, run.outcome.wall_ns);
}

/// The command and the programs see a system clock that is elsewhere, or runs at another speed.
void check_system_clock(const std::string &how) {
    INFO("system clock " << how);
    const TempDirectory base;
    Command command =
        under_flockstat({.argv = {program("crowd"), base / "l", "2", "2", "100"}}, base / "run");
    command.argv.insert(command.argv.begin(), {"faketime", "-f", how});
    command.environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
    const Outcome outcome = run_command(command);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const json report = read_report(base / "run");
    CHECK(lock_of(report, base / "l", "flock")["granted"] == 400);
    check_times(report, outcome.wall_ns);
}

} // namespace

TEST_CASE("processes that are stopped and go on lose nothing", "[clocks]") {
    check_stops(20, std::chrono::milliseconds(100));
}

TEST_CASE("SIGSTOP and SIGCONT of any process, at a random moment; of all, for two seconds", "[.soak]") {
    check_stops(1000, std::chrono::seconds(2));
    soak_row("1,000 times, once all", "each call is in the report, no time is too long");
}

TEST_CASE("a system clock that jumps by years or runs fast or backwards; other monotonic clocks", "[.soak]") {
    for (int i = 0; i < 5; ++i) {
        for (const char *how : {"+10y", "-10y", "+0 x1000", "+0 x-10", "2000-01-01 00:00:00"})
            check_system_clock(how);
        for (const char *seconds : {"1000000", "-10000"})
            check_time_namespace(seconds);
    }
    soak_row("7 clocks, 5 times each", "each call is in the report, no time is too long");
}
