#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <tuple>

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

/// One stay in a lock, by the clock of the process itself.
struct Stay {
    std::string name, path;
    bool shared = false;
    Times times{};
};

std::vector<Stay> stays_of(const std::string &output) {
    std::vector<Stay> stays;
    std::istringstream lines(output);
    std::string mode;
    for (Stay stay; lines >> stay.name >> stay.path >> mode >> stay.times.asked >> stay.times.got >>
                    stay.times.let_go;) {
        stay.shared = mode == "shared";
        stays.push_back(stay);
    }
    return stays;
}

/// File, waiter and holder.
using Whose = std::tuple<std::string, std::string, std::string>;

/// What one process waited, shared out: at each moment in equal parts among those that kept it out.
void add_expected(const std::vector<Stay> &stays, const Stay &waiter,
                  std::map<Whose, std::int64_t> &expected) {
    std::vector<std::int64_t> moments{waiter.times.asked, waiter.times.got};
    std::vector<const Stay *> obstacles;
    for (const Stay &stay : stays) {
        if (&stay != &waiter && stay.path == waiter.path && !(stay.shared && waiter.shared) &&
            in_the_way_ns(waiter.times, stay.times) > 0) {
            obstacles.push_back(&stay);
            moments.push_back(std::max(stay.times.got, waiter.times.asked));
            moments.push_back(std::min(stay.times.let_go, waiter.times.got));
        }
    }
    std::ranges::sort(moments);
    for (std::size_t i = 0; i + 1 < moments.size(); ++i) {
        const auto in_the_way = [&](const Stay *stay) {
            return stay->times.got <= moments[i] && stay->times.let_go >= moments[i + 1];
        };
        const auto parts = std::ranges::count_if(obstacles, in_the_way);
        for (const Stay *stay : obstacles) {
            if (in_the_way(stay)) {
                expected[{waiter.path, waiter.name, stay->name}] += (moments[i + 1] - moments[i]) / parts;
            }
        }
    }
}

std::string function_of(const json &report, const json &site, const std::vector<Stay> &stays) {
    if (site.is_null()) {
        return "nobody";
    }
    for (const json &frame : report["sites"][site.get<std::size_t>()]["frames"]) {
        if (std::ranges::any_of(stays, [&](const Stay &stay) { return frame["function"] == stay.name; })) {
            return frame["function"];
        }
    }
    return "?";
}

} // namespace

TEST_CASE("blame is what the clocks of those who waited and held give", "[blame]") {
    const std::string scene = GENERATE("readers", "ring");
    const std::string family = GENERATE("flock", "posix", "ofd");
    INFO(scene << " " << family);
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("blame_scene"), family, base / "l", scene}}, base / "run");
    INFO(run.outcome.out << run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const std::vector<Stay> stays = stays_of(run.outcome.out);
    REQUIRE(stays.size() == (scene == "ring" ? 6 : 4));
    std::map<Whose, std::int64_t> expected;
    for (const Stay &stay : stays) {
        add_expected(stays, stay, expected);
    }
    if (scene == "ring") {
        CHECK(expected.size() == 3); // each for the next one
    }
    const json &blame = run.report["blame"];
    std::int64_t blamed_ns = 0;
    std::map<Whose, std::int64_t> told;
    for (const json &entry : blame) {
        const std::string path = run.report["locks"][entry["lock"].get<std::size_t>()]["path"];
        told[{path, function_of(run.report, entry["waiter"], stays),
              function_of(run.report, entry["holder"], stays)}] += entry["wait_ns"].get<std::int64_t>();
        blamed_ns += entry["wait_ns"].get<std::int64_t>();
    }
    for (const auto &[whose, wait_ns] : told) {
        const auto &[path, waiter, holder] = whose;
        INFO(path << ": " << waiter << " waited for " << holder << " " << wait_ns);
        CHECK(std::abs(wait_ns - (expected.count(whose) == 1 ? expected[whose] : 0)) <= 5 * ms);
    }
    for (const auto &[whose, wait_ns] : expected) { // nobody is missing
        INFO(std::get<0>(whose) << ": " << std::get<1>(whose) << " waited for " << std::get<2>(whose));
        CHECK((wait_ns <= 5 * ms || told.count(whose) == 1));
    }
    CHECK(std::ranges::is_sorted(blame, std::greater(),
                                 [](const json &entry) { return entry["wait_ns"].get<std::int64_t>(); }));
    std::int64_t waited_ns = 0;
    for (const json &lock : run.report["locks"]) {
        waited_ns += lock["wait"]["sum_ns"].get<std::int64_t>();
    }
    CHECK(std::abs(blamed_ns - waited_ns) <= waited_ns / 100);
    CHECK(waited_ns > (scene == "ring" ? 300 : 200) * ms);
}

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
