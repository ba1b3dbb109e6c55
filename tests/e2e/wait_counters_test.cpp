#include <map>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Programs that drive the dynamic backend of PyTorch's wait counters, and what the report says of their
// waits.

namespace {

std::map<std::string, std::int64_t> told(const std::string &out) {
    std::istringstream lines(out);
    std::map<std::string, std::int64_t> numbers;
    std::string key;
    for (std::int64_t number = 0; lines >> key >> number;)
        numbers[key] = number;
    return numbers;
}

json process_of(const json &report, std::int64_t pid) {
    for (const json &process : report["processes"])
        if (process["pid"] == pid)
            return process;
    FAIL("no process " << pid << " in the report");
    return {};
}

RecordedRun drive(const TempDirectory &base, const std::string &what) {
    RecordedRun run = flockstat_run({.argv = {program("wait_counters"), what}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    return run;
}

} // namespace

TEST_CASE("the backend is there under flockstat, and not without", "[monitor][pytorch]") {
    const TempDirectory base;
    CHECK(run_command({.argv = {program("wait_counters"), "absent"}}).out == "absent\n");
    const Outcome outcome =
        run_command(under_flockstat({.argv = {program("wait_counters"), "absent"}}, base / "run"));
    CHECK(outcome.out == "there\n");
}

TEST_CASE("waits are counted as the program timed them", "[monitor][pytorch]") {
    const TempDirectory base;
    const RecordedRun run = drive(base, "shapes");
    auto us = told(run.outcome.out);
    const json &counters = run.report["counters"];
    CHECK(counters["shapes.plain"]["count"] == 6);
    CHECK(counters["shapes.plain"]["sum_ns"] == (us["plain"] + us["again"]) * 1000);
    CHECK(counters["shapes.two"]["count"] == 2);
    CHECK(counters["shapes.two"]["sum_ns"] == us["two"] * 1000);
    const json two = run.report["concurrency"]["shapes.two"];
    CHECK(two["max_active"] == 2);
    CHECK(two["active"] == 0);
    CHECK(two["busy_ns"] == us["two_busy"] * 1000);
    const json plain = run.report["concurrency"]["shapes.plain"];
    CHECK(plain["max_active"] == 1);
    CHECK(plain["busy_ns"] == counters["shapes.plain"]["sum_ns"]);
}

TEST_CASE("waits that are never stopped are no samples, and active", "[monitor][pytorch]") {
    const TempDirectory base;
    const RecordedRun run = drive(base, "shapes");
    CHECK(run.report["counters"]["shapes.never"]["count"] == 0);
    const json never = run.report["concurrency"]["shapes.never"];
    CHECK(never["active"] == 2);
    CHECK(never["max_active"] == 2);
    CHECK(never["busy_ns"] > 0);
    const std::string text = read_file(base / "run" / "summary.txt");
    INFO(text);
    CHECK(text.find("shapes.never") != std::string::npos);
    CHECK(text.find("shapes.plain") != std::string::npos);
}

TEST_CASE("a wait that a fork finds going on is the parent's", "[monitor][pytorch]") {
    const TempDirectory base;
    const RecordedRun run = drive(base, "fork");
    std::istringstream pids(run.outcome.out);
    std::int64_t parent = 0;
    std::int64_t child = 0;
    pids >> parent >> child;
    const json in_parent = process_of(run.report, parent)["counters"]["fork.key"];
    CHECK(in_parent["count"] == 1);
    CHECK(in_parent["active"] == 0);
    const json in_child = process_of(run.report, child)["counters"]["fork.key"];
    CHECK(in_child["count"] == 2);
    CHECK(in_child["active"] == 0);
    CHECK(in_child["max_active"] == 1);
    CHECK(in_parent["sum_ns"] >= in_child["sum_ns"]);
    CHECK(run.report["counters"]["fork.key"]["count"] == 3);
}

TEST_CASE("no start or stop of many threads is lost", "[monitor][pytorch]") {
    const TempDirectory base;
    const RecordedRun run = drive(base, "threads");
    const std::int64_t lost = run.report["lost"]["calls"];
    CHECK(run.report["counters"]["threads.key"]["count"].get<std::int64_t>() + lost >= 160'000);
    CHECK(run.report["concurrency"]["threads.key"]["max_active"] <= 8);
    if (lost == 0) {
        CHECK(run.report["counters"]["threads.key"]["count"] == 160'000);
        CHECK(run.report["concurrency"]["threads.key"]["active"] == 0);
    }
}

TEST_CASE("wait counters are recorded under a bare preload, too", "[monitor][pytorch]") {
    const TempDirectory base;
    const RecordedRun run =
        preload_run({.argv = {program("wait_counters"), "shapes"}, .directory = base.path()}, base / "run");
    CHECK(run.outcome.status == 0);
    CHECK(run.report["counters"]["shapes.plain"]["count"] == 6);
}

TEST_CASE("PyTorch's filelock counters and the system's are those of the same acquisitions",
          "[monitor][pytorch]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run(
        {.argv = {"/usr/bin/python3", program_source("pytorch_filelock.py"), path, "20"}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const json &counters = run.report["counters"];
    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["acquisitions"] == 20);
    for (const char *counter : {"enter", "region", "exit"}) {
        INFO(counter);
        const json ours = counters[std::string("filelock.") + counter];
        const json theirs = counters[std::string("pytorch.filelock.") + counter];
        CHECK(ours["count"] == 20);
        CHECK(theirs["count"] == 20);
        // Theirs has Python's own time in it: of a typical acquisition less than a millisecond.
        CHECK(std::abs(ours["p50_ns"].get<std::int64_t>() - theirs["p50_ns"].get<std::int64_t>()) <
              1'000'000);
    }
    CHECK(counters["pytorch.filelock.enter"]["sum_ns"] > counters["filelock.enter"]["sum_ns"]);
    const json process = process_of(run.report, std::stoll(run.outcome.out));
    CHECK(process["counters"]["pytorch.filelock.region"]["count"] == 20);
    CHECK(process["counters"]["pytorch.filelock.region"]["max_active"] == 1);
}

TEST_CASE("PyTorch's counter of a polled wait and the system's agree within a millisecond",
          "[monitor][pytorch]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder({.argv = {program("hold"), "flock", path, "300"}});
    REQUIRE(holder.read_line() == "held");
    Process waiter(under_flockstat(
        {.argv = {"/usr/bin/python3", program_source("pytorch_filelock.py"), path, "1"}}, base / "run",
        {"--window", "100ms", "--handler", "json=" + (base / "e.jsonl").string()}));
    holder.send("go");
    (void)waiter.read_line();
    REQUIRE(waiter.wait().status == 0);
    const json report = read_report(base / "run");
    const std::int64_t ours = report["counters"]["filelock.enter"]["sum_ns"];
    const std::int64_t theirs = report["counters"]["pytorch.filelock.enter"]["sum_ns"];
    INFO("ours " << ours << ", theirs " << theirs);
    CHECK(report["counters"]["filelock.enter"]["count"] == 1);
    CHECK(theirs >= ours - 2000);
    CHECK(theirs - ours < 1'000'000);
    // And it is in the windows.
    std::int64_t count = 0;
    for (const json &window : report["windows"])
        if (window["counters"].contains("pytorch.filelock.enter"))
            count += window["counters"]["pytorch.filelock.enter"]["count"].get<std::int64_t>();
    CHECK(count == 1);
}
