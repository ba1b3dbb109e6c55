#include <sstream>

#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What ends a wait before the lock is granted, and handlers that do it all themselves. The programs say what
// the kernel answered, and signals come when the request waits in the kernel (/proc/locks).

namespace {

// What the program says bare must be what it says under flockstat. Returns its lock in the report.
json run_interrupted(const std::string &which, const std::string &family,
                     const std::vector<std::string> &options = {}) {
    const TempDirectory base;
    const auto command = [&](const std::string &name) {
        return Command{.argv = {program("interrupted"), which, family, base / name}};
    };
    const Outcome bare = run_command(command("bare"));
    REQUIRE(bare.status == 0);
    const RecordedRun run = flockstat_run(command("l"), base / "run", options);
    CHECK(run.outcome.out == bare.out);
    CHECK(run.outcome.err == bare.err);
    REQUIRE(run.outcome.status == 0);
    return lock_of(run.report, base / "l", family == "lockf" ? "posix" : family);
}

const char *const families[] = {"flock", "posix", "ofd", "lockf"};

} // namespace

TEST_CASE("a request that a signal interrupts fails once, and is no wait of an acquisition",
          "[interruption]") {
    for (const char *family : families) {
        for (const std::vector<std::string> &options : {std::vector<std::string>{}, {"--no-probe"}}) {
            INFO(family << (options.empty() ? "" : " without the probe"));
            const json lock = run_interrupted("eintr", family, options);
            CHECK(lock["attempts"] == 2); // and the holder's
            CHECK(lock["granted"] == 1);
            CHECK(lock["interrupted"] == 1);
            CHECK(lock["abandoned"] == 1);
            CHECK(lock["wait"]["count"] == 0);
        }
    }
}

TEST_CASE("a request that goes on behind the handler waits once, from its beginning", "[interruption]") {
    for (const char *family : families) {
        INFO(family);
        const json lock = run_interrupted("restart", family);
        CHECK(lock["attempts"] == 2);
        CHECK(lock["granted"] == 2);
        CHECK(lock["contended"] == 1);
        CHECK(lock["interrupted"] == 0);
    }
}

TEST_CASE("a thread that is cancelled in its request was interrupted", "[interruption]") {
    for (const char *family : families) {
        for (const char *how : {"deferred", "async"}) {
            if (std::string(family) == "flock" && std::string(how) == "deferred")
                continue; // no cancellation point
            INFO(family << " " << how);
            const json lock = run_interrupted(how, family);
            CHECK(lock["attempts"] == 3);
            CHECK(lock["granted"] == 2);
            CHECK(lock["interrupted"] == 1);
            check_released(lock, {{"unlock", 1}, {"unknown", 1}}); // the holder was killed
        }
    }
}

TEST_CASE("a request that a handler left by siglongjmp was interrupted", "[interruption]") {
    for (const char *family : families) {
        INFO(family);
        const json lock = run_interrupted("jump", family);
        CHECK(lock["attempts"] == 53); // fifty left, two granted, and the holder's
        CHECK(lock["granted"] == 3);
        CHECK(lock["interrupted"] == 50);
        check_released(lock, {{"unlock", 2}, {"exit", 1}});
    }
}

TEST_CASE("what siglongjmp leaves at any point of a call is mended by the next", "[interruption]") {
    const std::vector<std::vector<std::string>> storms = {
        {"1000", "200"}, {"2000", "40"}, {"1000", "30"}, {"1000", "100", "deep"}};
    for (const std::vector<std::string> &storm : storms) {
        const TempDirectory base;
        std::vector<std::string> argv = {program("jumps"), base / "l"};
        argv.insert(argv.end(), storm.begin(), storm.end());
        const RecordedRun run = flockstat_run({.argv = argv}, base / "run");
        INFO(storm[1] << " us: " << run.outcome.out << run.outcome.err);
        REQUIRE(run.outcome.status == 0);
        std::istringstream numbers(run.outcome.out);
        std::int64_t granted = 0, unlocks = 0, left = 0, descriptors = -1;
        REQUIRE(numbers >> granted >> unlocks >> left >> descriptors);
        CHECK(descriptors == 0);
        // A call that was left may be counted, or not; one that returned is, or it is a lost one.
        const json lock = lock_of(run.report, base / "l", "flock");
        const std::int64_t lost = run.report["lost"]["calls"];
        CHECK(lock["granted"].get<std::int64_t>() >= granted - lost);
        CHECK(lock["granted"].get<std::int64_t>() <= granted + left);
        CHECK(lock["unlocks"].get<std::int64_t>() >= unlocks - lost);
        CHECK(lock["unlocks"].get<std::int64_t>() <= unlocks + left);
        CHECK(lost < (storm.size() > 2 ? granted / 10 : left));
        check_released(lock, {{"unlock", lock["region"]["count"]}});
        CHECK(lock["region"]["max_ns"].get<std::int64_t>() < 1'000'000'000);
    }
}

TEST_CASE("a one-shot timer finds the request waiting", "[interruption]") {
    constexpr int trials = 200;
    for (const char *microseconds : {"100", "300", "1000"}) {
        INFO(microseconds << " us");
        const TempDirectory base;
        const auto late = [&](const Command &command) {
            const Outcome outcome = run_command(command);
            REQUIRE(outcome.status == 0);
            return std::stoi(outcome.out);
        };
        const Command command{.argv = {program("alarms"), base / "l", microseconds, std::to_string(trials)}};
        // A machine that is busy makes some late without us, too.
        const int bare = late(command);
        const int ours = late(under_flockstat(command, base / "run"));
        INFO("late of " << trials << ": bare " << bare << ", under flockstat " << ours);
        CHECK(ours <= 2 * bare + trials / 20);
        const json lock = lock_of(read_report(base / "run"), base / "l", "flock");
        CHECK(lock["interrupted"] == trials);
        CHECK(lock["granted"] == 1);
    }
}

TEST_CASE("next to nothing stands between the call and its blocking system call", "[interruption]") {
    const TempDirectory base;
    const std::string behind = (build_directory() / "tests" / "programs" / "libinterposer.so").string();
    const auto windows = [&](const std::string &preload) {
        Command command{.argv = {program("window"), base / "l", "40"}};
        command.environment["LD_PRELOAD"] = preload;
        command.environment["FLOCKSTAT_DIR"] = base / "run";
        const Outcome outcome = run_command(command);
        INFO(outcome.err);
        REQUIRE(outcome.status == 0);
        std::istringstream numbers(outcome.out);
        std::int64_t first = 0, later = 0;
        REQUIRE(numbers >> first >> later);
        return std::pair(first, later);
    };
    const auto [bare_first, bare_later] = windows(behind);
    const auto [our_first, our_later] = windows(shim_path().string() + ":" + behind);
    INFO("first calls: bare " << bare_first << " ns, ours " << our_first << " ns; later: bare " << bare_later
                              << " ns, ours " << our_later << " ns");
    // The probe is a system call more. Unwinding or making an arena takes ten times as long.
    CHECK(our_first - bare_first < 15'000);
    CHECK(our_later - bare_later < 8'000);
}

TEST_CASE("a storm of signals whose handler opens, locks, unlocks and closes", "[interruption]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("storm"), base / "l", base / "other", "2000"}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    std::istringstream words(run.outcome.out);
    std::string who;
    std::int64_t in_main[2], in_handler[2];
    REQUIRE(words >> who >> in_main[0] >> in_main[1] >> who >> in_handler[0] >> in_handler[1]);
    REQUIRE(in_handler[1] > 100);
    // What a handler does while its thread is inside the bookkeeping is queued; where too much comes at once,
    // the rest is counted as lost, and nothing else is missing.
    const std::int64_t lost = run.report["lost"]["calls"];
    CHECK(lost < in_handler[0] / 50);
    CHECK(lock_of(run.report, base / "l", "flock")["granted"] == in_main[0]);
    CHECK(lock_of(run.report, base / "l", "posix")["granted"] == in_main[1]);
    const std::int64_t flocks = lock_of(run.report, base / "other", "flock")["granted"];
    const std::int64_t ranges = lock_of(run.report, base / "other", "posix")["granted"];
    CHECK(flocks <= in_handler[0]);
    CHECK(ranges <= in_handler[1]);
    CHECK(flocks + ranges + lost >= in_handler[0] + in_handler[1]);
    CHECK(run.report["unattributed"]["flock"]["attempts"] == 0);
    for (const json &lock : run.report["locks"]) {
        INFO(lock["path"] << " " << lock["family"] << " " << lock["released"].dump());
        if (lost == 0) {
            CHECK(lock["released"]["unknown"] == 0);
            CHECK(lock["released"]["exit"] == 0);
        }
        CHECK(lock["region"]["max_ns"].get<std::int64_t>() < 2'000'000'000);
    }
}
