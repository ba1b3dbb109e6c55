#include <algorithm>

#include "tests/support/e2e.h"

using namespace flockstat::test;

// Limits: the exit status is a gate, and the lines say who broke what.

namespace {

Outcome check(const RecordedRun &run, const std::vector<std::string> &rules) {
    std::vector<std::string> arguments = {"check", run.directory.string(), "--max"};
    arguments.insert(arguments.end(), rules.begin(), rules.end());
    return run_flockstat(arguments);
}

std::string milliseconds(const nlohmann::json &ns, int more) {
    return std::to_string(ns.get<std::int64_t>() / 1'000'000 + more) + "ms";
}

} // namespace

TEST_CASE("a check fails where a lock breaks a rule", "[check]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("convoy"), "flock", base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const nlohmann::json lock = lock_of(run.report, base / "l", "flock");
    const auto &p99_ns = lock["enter"]["p99_ns"];

    const Outcome kept = check(run, {"abandoned=0", "enter.p99=" + milliseconds(p99_ns, 1), "contended=67%"});
    CHECK(kept.status == 0);
    CHECK(kept.out.empty());
    CHECK(kept.err.empty());

    const std::string broken_rule = "*/l:enter.p99=" + milliseconds(p99_ns, -1);
    const Outcome broken = check(run, {"abandoned=0", broken_rule, "contended=66%", "*/m:attempts=0"});
    INFO(broken.out << broken.err);
    CHECK(broken.status == 1);
    CHECK(broken.err == "flockstat: no lock in the report matches */m:attempts=0\n");
    CHECK(broken.out.find(std::string(base / "l") + " (flock): enter.p99 is ") == 0);
    CHECK(broken.out.find(", over " + broken_rule + "\n") != std::string::npos);
    CHECK(broken.out.find("contended is 2 (66.7 %), over contended=66%\n") != std::string::npos);
    CHECK(std::count(broken.out.begin(), broken.out.end(), '\n') == 2);
}

TEST_CASE("a check that cannot be made is neither kept nor broken", "[check]") {
    const TempDirectory base;
    const Outcome nothing = run_flockstat({"check", base / "no", "--max", "abandoned=0"});
    CHECK(nothing.status == 125);
    CHECK(nothing.err.find(base / "no") != std::string::npos);
    for (const std::vector<std::string> &words :
         std::vector<std::vector<std::string>>{{"check", base.path(), "--max", "abandoned=few"},
                                               {"check", base.path(), "--max"},
                                               {"check", base.path()},
                                               {"check", "--max", "abandoned=0"},
                                               {"check"}}) {
        const Outcome wrong = run_flockstat(words);
        INFO(wrong.err);
        CHECK(wrong.status == 2);
        CHECK(wrong.out.empty());
        CHECK(std::count(wrong.err.begin(), wrong.err.end(), '\n') == 1);
    }
}
