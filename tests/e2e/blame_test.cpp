#include <algorithm>
#include <map>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Who made whom wait, against the clocks of the processes themselves.

namespace {

constexpr std::int64_t ms = 1'000'000;

struct Times {
    std::int64_t asked, got, let_go;
};

std::map<std::string, Times> times_of(const std::string &output) {
    std::map<std::string, Times> times;
    std::istringstream lines(output);
    std::string name;
    for (Times t{}; lines >> name >> t.asked >> t.got >> t.let_go;) {
        times[name] = t;
    }
    return times;
}

/// The part of a's waiting that b held the lock in.
std::int64_t in_the_way_ns(const Times &a, const Times &b) {
    return std::max<std::int64_t>(0, std::min(a.got, b.let_go) - std::max(a.asked, b.got));
}

/// The function that locks: `first`, `second` or `third`.
std::string role_of(const json &report, const json &site) {
    if (site.is_null()) {
        return "nobody";
    }
    for (const json &frame : report["sites"][site.get<std::size_t>()]["frames"]) {
        const std::string function = frame["function"];
        if (function == "first" || function == "second" || function == "third") {
            return function;
        }
    }
    return "?";
}

/// Waiter and holder -> blamed time.
std::map<std::pair<std::string, std::string>, std::int64_t> blame_of(const json &report) {
    std::map<std::pair<std::string, std::string>, std::int64_t> blame;
    for (const json &entry : report["blame"]) {
        blame[{role_of(report, entry["waiter"]), role_of(report, entry["holder"])}] +=
            entry["wait_ns"].get<std::int64_t>();
    }
    return blame;
}

} // namespace

TEST_CASE("the time that one process waits is blamed on those who held the lock", "[blame]") {
    const std::string family = GENERATE("flock", "posix", "ofd", "lockf");
    INFO(family);
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run({.argv = {program("convoy"), family, path}}, base / "run");
    INFO(run.outcome.out << run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const auto times = times_of(run.outcome.out);
    REQUIRE(times.size() == 3);

    const auto blame = blame_of(run.report);
    std::int64_t blamed_ns = 0;
    for (const auto &[who, wait_ns] : blame) {
        INFO(who.first << " waited for " << who.second << ": " << wait_ns);
        REQUIRE(times.count(who.first) == 1);
        const std::int64_t expected_ns =
            who.second == "nobody" ? 0 : in_the_way_ns(times.at(who.first), times.at(who.second));
        CHECK(std::abs(wait_ns - expected_ns) <= 5 * ms);
        blamed_ns += wait_ns;
    }
    for (const char *waiter : {"second", "third"}) { // nobody is missing
        for (const auto &[holder, held] : times) {
            const bool expected = in_the_way_ns(times.at(waiter), held) > 5 * ms;
            CHECK((!expected || blame.count({waiter, holder}) == 1));
        }
    }
    const json lock = lock_of(run.report, path, family == "lockf" ? "posix" : family);
    const std::int64_t wait_ns = lock["wait"]["sum_ns"];
    CHECK(std::abs(blamed_ns - wait_ns) <= wait_ns / 100);
    CHECK(wait_ns > 400 * ms);

    const Outcome text = run_flockstat({"report", (base / "run").string()});
    INFO(text.out);
    CHECK(text.out.find("waited for what was held at") != std::string::npos);
}
