#include <map>
#include <sstream>

#include "tests/support/counted_calls.h"
#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;

// What was recorded before a process ended, at whatever moment and however, is in the report. The truth is
// what the processes counted themselves, in memory that outlives them.

namespace {

std::map<std::int64_t, CallCount> counts_of(const std::string &output) {
    std::map<std::int64_t, CallCount> counts;
    std::istringstream lines(output);
    std::int64_t pid = 0;
    std::int64_t holds = 0;
    for (CallCount c{}; lines >> pid >> c.attempts >> c.unlocks >> holds;) {
        counts[pid] = c;
    }
    return counts;
}

/// `end`: how each ends by itself; empty: it is killed.
void check_ends(int processes, int seed, const std::string &end = {}) {
    INFO(processes << " processes, " << (end.empty() ? "kill" : end));
    const TempDirectory base;
    Command storm{
        .argv = {program("kill_storm"), std::to_string(processes), base / "l", std::to_string(seed)}};
    if (!end.empty())
        storm.argv.push_back(end);
    const Outcome outcome = run_command(under_flockstat(storm, base / "run"));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const auto expected = counts_of(outcome.out);
    REQUIRE(expected.size() == static_cast<std::size_t>(processes));
    // Not flockstat_run, whose rules want each call whole: the last one may have ended in its middle.
    const json report = json::parse(read_file(base / "run" / "summary.json"));
    check_all_counted(report, expected, end == "_exit" ? "exit" : end == "exec" ? end : "killed");
}

/// Each is in all families as often.
void check_locked_deaths(int each) {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("die_locked"), std::to_string(each), base / "l"}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    std::int64_t unknown = 0;
    for (const json &lock : run.report["locks"]) {
        INFO(lock.dump(1));
        CHECK(lock["released"]["unlock"] == lock["released"]["unknown"]);
        CHECK(lock["granted"] == lock["region"]["count"].get<std::int64_t>() * 2); // no sample of the killed
        CHECK(lock["held_open_ns"] > 0);
        unknown += lock["released"]["unknown"].get<std::int64_t>();
    }
    CHECK(unknown == each);
    const std::string text = read_file(run.directory / "summary.txt");
    INFO(text);
    std::istringstream words(text); // the head of the report, whose lines are broken anywhere
    std::string head;
    for (std::string word; words >> word && word != "command";)
        head += word + " ";
    CHECK(head.find(std::to_string(each) + " threads were still waiting for a file lock when their "
                                           "processes ended:") != std::string::npos);
}

} // namespace

TEST_CASE("all calls that returned before a SIGKILL are in the report", "[survival]") { check_ends(60, 1); }

TEST_CASE("all calls that returned before an abort, SIGSEGV, _exit or exec are in the report", "[survival]") {
    for (const char *end : {"abort", "segv", "_exit", "exec"})
        check_ends(20, 1, end);
}

TEST_CASE("who was killed while it waited, and while it held, is shown so", "[survival]") {
    check_locked_deaths(8);
}

TEST_CASE("SIGKILL of any process, at a random moment", "[.soak]") {
    check_ends(1000, 2);
    soak_row("1,000 processes", "each call that returned is in the report");
}

TEST_CASE("abort, SIGSEGV, _exit and exec, at a random moment", "[.soak]") {
    for (const char *end : {"abort", "segv", "_exit", "exec"})
        check_ends(500, 3, end);
    soak_row("500 processes each", "each call that returned is in the report");
}

TEST_CASE("SIGKILL while it waits, and while it holds", "[.soak]") {
    check_locked_deaths(400);
    soak_row("400 processes each", "shown as still waiting, and as `unknown`");
}
