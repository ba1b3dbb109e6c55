#include <algorithm>
#include <thread>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What flockstat says about waiting and holding against the clocks of the programs themselves, read around
// the same call.

namespace {

constexpr std::int64_t ms = 1'000'000;

// Two clocks read around one call differ by what the machine does in between: 2 ms, or 5 % where it is
// loaded.
std::int64_t tolerance(std::int64_t outside_ns) { return std::max(2 * ms, outside_ns / 20); }

void check_clock(std::int64_t ours_ns, std::int64_t outside_ns) {
    INFO("flockstat: " << ours_ns << " ns, outside clock: " << outside_ns << " ns");
    CHECK(std::abs(ours_ns - outside_ns) <= tolerance(outside_ns));
}

void check_blocking_wait(const std::string &family, const std::vector<std::string> &options) {
    INFO(family << (options.empty() ? "" : " with " + options.front()));
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder({.argv = {program("hold"), family, path}});
    REQUIRE(holder.read_line() == "held");
    Process waiter(under_flockstat({.argv = {program("wait_lock"), family, path}}, base / "run", options));
    REQUIRE(waiter.read_line() == "waiting");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    holder.send("go");
    const std::int64_t waited_ns = std::stoll(waiter.read_line());
    REQUIRE(waiter.wait().status == 0);

    const json report = read_report(base / "run");
    const json lock = lock_of(report, path, family == "lockf" ? "posix" : family);
    CHECK(lock["attempts"] == 1);
    CHECK(lock["acquisitions"] == 1);
    CHECK(lock["contended"] == 1);
    CHECK(lock["polled"] == 0);
    CHECK(lock["wait"]["count"] == 1);
    const std::int64_t wait_ns = lock["wait"]["sum_ns"];
    check_clock(wait_ns, waited_ns);
    check_clock(lock["enter"]["sum_ns"], waited_ns);
    CHECK(wait_ns >= 250 * ms);
}

} // namespace

TEST_CASE("a blocking wait agrees with the waiter's own clock", "[waits]") {
    for (const char *family : {"flock", "posix", "ofd", "lockf"})
        check_blocking_wait(family, {});
}

TEST_CASE("a blocking wait agrees with the waiter's own clock without the probe", "[waits]") {
    for (const char *family : {"flock", "posix", "ofd", "lockf"})
        check_blocking_wait(family, {"--no-probe"});
}

TEST_CASE("nobody waits where nobody holds", "[waits]") {
    const TempDirectory base;
    for (const char *family : {"flock", "posix", "ofd", "lockf"}) {
        INFO(family);
        const std::string path = base / family;
        const RecordedRun run = flockstat_run({.argv = {program("wait_lock"), family, path}},
                                              base / (std::string("run-") + family));
        const json lock = lock_of(run.report, path, std::string(family) == "lockf" ? "posix" : family);
        CHECK(lock["acquisitions"] == 1);
        CHECK(lock["contended"] == 0);
        CHECK(lock["wait"]["count"] == 0);
    }
}

TEST_CASE("a filelock poller's wait is what it says itself, with the overshoot", "[waits]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const std::string script = program_source("poll_filelock.py");
    const RecordedRun run =
        flockstat_run({.argv = {"/usr/bin/python3", script, path, program("hold"), "300"}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const json outside = json::parse(run.outcome.out);
    const std::int64_t tries = outside["tries"];
    REQUIRE(tries > 1);

    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["attempts"] == tries + 1); // and the holder's own
    CHECK(lock["refused"] == tries - 1);
    CHECK(lock["acquisitions"] == 2);
    CHECK(lock["contended"] == 1);
    CHECK(lock["polled"] == 1);
    CHECK(lock["abandoned"] == 0);
    CHECK(lock["wait"]["count"] == 1);
    CHECK(lock["overshoot"]["count"] == 1);
    const std::int64_t waited_ns = outside["waited_ns"];
    const std::int64_t wait_ns = lock["wait"]["sum_ns"];
    INFO("outside: " << outside.dump() << " flockstat: wait " << wait_ns << " overshoot "
                     << lock["overshoot"]["sum_ns"]);
    CHECK(wait_ns <= waited_ns);
    CHECK(wait_ns >= waited_ns - std::max(5 * ms, waited_ns / 20));
    CHECK(wait_ns >= 250 * ms);
    const std::int64_t overshoot_ns = lock["overshoot"]["sum_ns"];
    CHECK(overshoot_ns <= outside["overshoot_ns"].get<std::int64_t>());
    CHECK(overshoot_ns >= outside["overshoot_ns"].get<std::int64_t>() - 5 * ms);
}

TEST_CASE("sqlite3's busy handler polls, and its wait is counted", "[waits]") {
    const TempDirectory base;
    const std::string db = base / "db";
    REQUIRE(run_command(shell("sqlite3 db 'create table t (a)'", base.path())).status == 0);
    Process holder({.argv = {program("hold"), "posix", db, "300"}});
    REQUIRE(holder.read_line() == "held");
    holder.send("go");
    const RecordedRun run = flockstat_run(
        {.argv = {"sqlite3", "-cmd", ".timeout 60000", db, "insert into t values (1)"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, db, "posix");
    CHECK(lock["polled"] == 1);
    CHECK(lock["contended"] == 1);
    CHECK(lock["refused"] >= 1);
    CHECK(lock["wait"]["sum_ns"] <= run.outcome.wall_ns);
    CHECK(lock["wait"]["sum_ns"] > 0);
}

TEST_CASE("a region lasts as long as the holder's own clock says", "[waits]") {
    const TempDirectory base;
    for (const char *family : {"flock", "posix", "ofd", "lockf"}) {
        INFO(family);
        const std::string path = base / family;
        const RecordedRun run = flockstat_run({.argv = {program("hold_time"), family, path, "100"}},
                                              base / (std::string("run-") + family));
        REQUIRE(run.outcome.status == 0);
        const json lock = lock_of(run.report, path, std::string(family) == "lockf" ? "posix" : family);
        CHECK(lock["region"]["count"] == 1);
        CHECK(lock["exit"]["count"] == 1);
        check_clock(lock["region"]["sum_ns"], std::stoll(run.outcome.out));
    }
}

TEST_CASE("refused attempts that nobody repeats are abandoned", "[waits]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder({.argv = {program("hold"), "flock", path}});
    REQUIRE(holder.read_line() == "held");
    const RecordedRun run =
        flockstat_run(shell("flock -n " + path + " true; flock -n " + path + " true"), base / "run");
    CHECK(run.outcome.status == 1);
    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["refused"] == 2);
    CHECK(lock["acquisitions"] == 0);
    CHECK(lock["abandoned"] == 2);
    CHECK(lock["enter"]["count"] == 0);
    CHECK(lock["wait"]["count"] == 0);
}
