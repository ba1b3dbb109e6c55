// Python in states out of the ordinary, and Pythons that are not read.
#include <algorithm>
#include <set>

#include "tests/support/e2e.h"
#include "tests/support/pythons.h"

using namespace flockstat::test;
using nlohmann::json;

namespace {

/// In these states there is no doubt.
const std::set<std::string> always_known = {"deleted", "collected", "signal", "exit"};

/// A site's Python frames are those that were told, or none; returns the file's name where they are.
std::string check_site(const json &report, const json &site, std::map<std::string, json> &told) {
    const std::filesystem::path path(
        report["locks"][site["lock"].get<std::size_t>()]["path"].get<std::string>());
    const json frames = python_frames(site);
    INFO(path << "\nours:  " << frames.dump() << "\nPython's: " << told[path].dump());
    if (path.filename() == "busy" || path.filename() == "held") { // of the threads that are left behind
        CHECK((frames.empty() || frames[0][2].get<std::string>().starts_with("left_behind")));
        return "left behind";
    }
    const json &stacks = told[path];
    const bool known = std::find(stacks.begin(), stacks.end(), frames) != stacks.end();
    CHECK((known || (frames.empty() && !always_known.contains(path.filename()))));
    return known ? path.filename().string() : std::string();
}

} // namespace

TEST_CASE("Python frames are right or none in each state of the interpreter", "[python]") {
    for (const std::string &interpreter : interpreters()) {
        INFO(interpreter);
        const TempDirectory base;
        const Command states{.argv = {interpreter, program_source("python_states.py"), base.path()}};
        const Outcome outcome = run_command(under_flockstat(states, base / "run"));
        INFO(outcome.err);
        REQUIRE(outcome.status == 0);
        // Not by the rules of all reports: its end stops threads in the middle of a call.
        const json report = json::parse(run_flockstat({"report", base / "run", "-f", "json"}).out);
        std::map<std::string, json> told = told_stacks(outcome.out);
        std::set<std::string> known;
        for (const json &site : report["sites"]) {
            known.insert(check_site(report, site, told));
        }
        CHECK(std::includes(known.begin(), known.end(), always_known.begin(), always_known.end()));
        CHECK(known.contains("left behind"));
        CHECK(report["run"]["unread_python"].is_null());
    }
}

TEST_CASE("a Python that is not read is told", "[python]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("old_python"), base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    CHECK(run.report["run"]["unread_python"] == "before 3.11");
    CHECK(read_file(base / "run" / "summary.txt").find("Python before 3.11 ran") != std::string::npos);
}
