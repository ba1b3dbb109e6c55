#include <algorithm>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// How a lock goes from one to the next, against the clocks of the processes themselves.

TEST_CASE("a writer behind readers who relieve one another is starved by them", "[fairness]") {
    const std::string family = GENERATE("flock", "posix", "ofd");
    INFO(family);
    constexpr int readers = 14;
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run(
        {.argv = {program("relay_readers"), family, path, std::to_string(readers)}}, base / "run");
    INFO(run.outcome.out << run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const std::int64_t waited_ns = std::stoll(run.outcome.out);
    constexpr std::int64_t ms = 1'000'000;
    const json fairness = lock_of(run.report, path, family)["fairness"];
    INFO(fairness.dump(1));
    REQUIRE(fairness["overtaken"].is_object());
    CHECK(std::abs(fairness["overtaken"]["wait_ns"].get<std::int64_t>() - waited_ns) <= 5 * ms);
    CHECK(std::abs(fairness["readers_kept_writers_ns"].get<std::int64_t>() - waited_ns) <= 5 * ms);
    CHECK(fairness["writers_kept_readers_ns"] == 0);
    CHECK(fairness["overtaken"]["times"] == readers - 1);
    CHECK(fairness["overtaken"]["mode"] == "exclusive");
    CHECK(fairness["longest_queue"] == 1);
    CHECK(fairness["handover"]["blocked"]["count"] == 1);
    CHECK(fairness["processes"].size() == readers + 1);
    const json &findings = run.report["findings"];
    const bool long_enough = waited_ns >= 100 * ms;
    CHECK(std::ranges::count_if(findings, [](const json &finding) {
              return finding["kind"] == "writer-starved-by-readers";
          }) == (long_enough ? 1 : 0));
    CHECK(long_enough); // 13 times 12 ms
}

TEST_CASE("the queue of three processes is as long as it was", "[fairness]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run({.argv = {program("convoy"), "flock", path}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["fairness"]["longest_queue"] == 2);
    CHECK(lock["fairness"]["handover"]["blocked"]["count"] == 1);
    CHECK(lock["fairness"]["handover"]["polling"]["count"] == 1);
    std::int64_t waits = 0;
    for (const json &share : lock["fairness"]["processes"]) {
        waits += share["waits"].get<std::int64_t>();
    }
    CHECK(waits == lock["contended"]);
    const Outcome text = run_flockstat({"report", (base / "run").string()});
    CHECK(text.out.find("Up to 2 waited at once.") != std::string::npos);
}
