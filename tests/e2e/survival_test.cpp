#include <map>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What was recorded before a process was killed is in the report. The truth is what the processes counted
// themselves, in memory that outlives them.

namespace {

struct Counts {
    std::int64_t attempts, unlocks, holds;
};

std::map<std::int64_t, Counts> counts_of(const std::string &output) {
    std::map<std::int64_t, Counts> counts;
    std::istringstream lines(output);
    std::int64_t pid = 0;
    for (Counts c{}; lines >> pid >> c.attempts >> c.unlocks >> c.holds;) {
        counts[pid] = c;
    }
    return counts;
}

/// All calls that returned, and at most the one that was in flight.
bool agrees(std::int64_t reported, std::int64_t counted) {
    return reported == counted || reported == counted + 1;
}

void check_killed(int processes, int seed) {
    const TempDirectory base;
    const RecordedRun run = flockstat_run(
        {.argv = {program("kill_storm"), std::to_string(processes), base / "l", std::to_string(seed)}},
        base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    auto expected = counts_of(run.outcome.out);
    REQUIRE(expected.size() == static_cast<std::size_t>(processes));
    for (const json &process : run.report["processes"]) {
        const auto found = expected.find(process["pid"].get<std::int64_t>());
        if (found == expected.end()) {
            continue;
        }
        INFO(process.dump(1) << "\ncounted: " << found->second.attempts << " attempts, "
                             << found->second.unlocks << " unlocks");
        CHECK(agrees(process["attempts"], found->second.attempts));
        CHECK(agrees(process["unlocks"], found->second.unlocks));
        CHECK(process["ended"] == "killed");
        expected.erase(found);
    }
    for (const auto &[pid, counts] : expected) { // not in the report: killed in its first call
        INFO(pid);
        CHECK(counts.attempts <= 0);
    }
    std::int64_t lost = 0;
    for (const auto &[name, count] : run.report["lost"].items()) {
        lost += count.get<std::int64_t>();
    }
    CHECK(lost == 0);
}

} // namespace

TEST_CASE("all calls that returned before a SIGKILL are in the report", "[survival]") { check_killed(60, 1); }

TEST_CASE("a thousand killed processes", "[.][soak]") { check_killed(1000, 2); }
