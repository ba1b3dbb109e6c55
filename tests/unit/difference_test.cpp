// Two sets of runs against each other: what is matched, what counts as 0, and how sure a change is.
#include "reporter/analyze/difference.h"
#include "reporter/write/difference_json.h"
#include "reporter/write/difference_text.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace flockstat::reporter;

namespace {

SourceFrame frame(const std::string &function, std::uint32_t line) {
    return {.function = function,
            .file = "db.c",
            .line = line,
            .module = "/bin/app",
            .offset = std::uint64_t{16} * line};
}

/// A run with one lock, waited for `waits` times at one site, one second each.
Report run_with(const std::string &path, std::uint64_t waits, std::uint32_t line = 1) {
    constexpr std::uint64_t second = 1'000'000'000;
    Report report;
    LockReport lock;
    lock.path = path;
    lock.acquisitions = 10;
    lock.contended = waits;
    lock.wait.count = waits;
    lock.wait.sum_ns = waits * second;
    lock.wait.p99_ns = waits == 0 ? 0 : second;
    lock.region.count = 10;
    lock.region.sum_ns = 10 * second;
    lock.region.p99_ns = 2 * second;
    report.locks.push_back(lock);
    report.groups.push_back({lock, {0}});
    SiteReport &site = report.sites.emplace_back();
    site.frames = {frame("flush", line)};
    site.acquisitions = 10;
    site.contended = waits;
    site.wait = lock.wait;
    site.region = lock.region;
    report.run.duration_ns = 20 * second;
    return report;
}

const Change &wait_of(const Costs &costs) { return change_of(costs, Cost::wait); }

} // namespace

TEST_CASE("a lock and a site are matched although the code moved", "[diff]") {
    const Report before[] = {run_with("/a", 4, 10)};
    const Report after[] = {run_with("/a", 1, 12)};
    const Difference all = difference(before, after);
    REQUIRE(all.locks.size() == 1);
    const LockDifference &lock = all.locks[0];
    CHECK(wait_of(lock.costs).before == 4e9);
    CHECK(wait_of(lock.costs).difference() == -3e9);
    CHECK_FALSE(wait_of(lock.costs).interval);
    CHECK(change_of(lock.costs, Cost::contended).before == 0.4);
    CHECK(change_of(lock.costs, Cost::hold_p99).difference() == 0);
    REQUIRE(lock.sites.size() == 1);
    CHECK(wait_of(lock.sites[0].costs).difference() == -3e9);
    CHECK(all.duration_ns.after == 20e9);
}

TEST_CASE("what a run does not have is 0, but a percentile of nothing is none", "[diff]") {
    const Report before[] = {run_with("/a", 0), run_with("/b", 2)};
    const Report after[] = {run_with("/a", 3), run_with("/a", 5)};
    const Difference all = difference(before, after);
    REQUIRE(all.locks.size() == 2);
    CHECK(all.locks[0].path == "/a"); // it changed more
    const Costs &a = all.locks[0].costs;
    CHECK(wait_of(a).before == 0);
    CHECK(wait_of(a).after == 4e9);
    CHECK_FALSE(change_of(a, Cost::wait_p99).before);
    CHECK(change_of(a, Cost::wait_p99).after == 1e9);
    CHECK(change_of(a, Cost::acquisitions).before == 5); // 10 in one of two runs
    CHECK(change_of(a, Cost::contended).before == 0);    // of the run that has the lock
    CHECK(wait_of(all.locks[1].costs).after == 0);
    CHECK(wait_of(all.costs).before == 1e9);
    CHECK_FALSE(change_of(all.costs, Cost::hold_p99).before);
}

TEST_CASE("sites of the same functions are one in a run", "[diff]") {
    Report twice = run_with("/a", 2, 10);
    twice.sites.push_back(twice.sites[0]);
    twice.sites[1].frames = {frame("flush", 99)};
    twice.sites[1].region.p99_ns = 7;
    const Report before[] = {twice};
    const Report after[] = {run_with("/a", 2, 10)};
    const Difference all = difference(before, after);
    REQUIRE(all.locks[0].sites.size() == 1);
    CHECK(wait_of(all.locks[0].sites[0].costs).before == 4e9);
    CHECK(change_of(all.locks[0].sites[0].costs, Cost::hold_p99).before == 2e9);
}

TEST_CASE("of a Python program's stacks only the Python functions count", "[diff]") {
    SourceFrame python = frame("train", 5);
    python.language = "python";
    Report report = run_with("/a", 2);
    report.sites.push_back(report.sites[0]);
    report.sites[0].frames = {frame("", 1), python};
    report.sites[1].frames = {frame("", 1), frame("PyObject_Vectorcall", 7), python};
    CHECK(difference(std::span(&report, 1), std::span(&report, 1)).locks[0].sites.size() == 1);
}

TEST_CASE("a change is sure when the runs scatter less than they differ", "[diff]") {
    const std::vector<Report> before = {run_with("/a", 4), run_with("/a", 5), run_with("/a", 4)};
    const std::vector<Report> after = {run_with("/a", 1), run_with("/a", 2), run_with("/a", 1)};
    const Change sure = wait_of(difference(before, after).locks[0].costs);
    CHECK(sure.is_sure());
    CHECK(sure.interval->low < *sure.difference());
    CHECK(sure.interval->high > *sure.difference());
    CHECK(sure.interval->high < 0);
    const std::vector<Report> wild = {run_with("/a", 9), run_with("/a", 0), run_with("/a", 1)};
    CHECK_FALSE(wait_of(difference(before, wild).locks[0].costs).is_sure());
    CHECK_FALSE(wait_of(difference(before, before).locks[0].costs).is_sure());
}

TEST_CASE("an interval has the width that theory gives it", "[diff]") {
    // 40 values of variance 1/4 on each side: the difference of the means has a standard error of 0.1118.
    std::vector<double> halves;
    for (int i = 0; i < 40; ++i) {
        halves.push_back(i % 2);
    }
    const auto interval = difference_of_means(halves, halves);
    REQUIRE(interval);
    CHECK(interval->low == Approx(-1.96 * 0.1118).margin(0.02));
    CHECK(interval->high == Approx(1.96 * 0.1118).margin(0.02));
    CHECK_FALSE(difference_of_means(std::vector{1.0}, halves));
}

TEST_CASE("files are forgotten, and paths become patterns", "[diff]") {
    Run run;
    run.locks.resize(2);
    run.locks[0].path = "/tmp/job.1/cache/x.lock";
    run.locks[0].device_major = 8;
    run.locks[0].inode = 12;
    run.locks[1].path = "/srv/app.db";
    run.locks[1].birth_seconds = 5;
    run.locks[1].family = Family::posix;
    const std::vector<std::string> patterns = {"/tmp/job.*/x.lock", "/tmp/*", "/t*"};
    forget_files(&run, patterns);
    CHECK(run.locks[0].path == "/tmp/job.*/x.lock");
    CHECK(run.locks[0].inode == 0);
    CHECK(run.locks[0].device_major == 0);
    CHECK(run.locks[1].path == "/srv/app.db");
    CHECK(run.locks[1].family == Family::posix);
    CHECK(run.locks[1].birth_seconds == 0);
}

TEST_CASE("a difference is shown with what is new, what is gone, and how sure it is", "[diff]") {
    const std::vector<Report> before = {run_with("/a\x1b", 4), run_with("/a\x1b", 4)};
    const std::vector<Report> after = {run_with("/a\x1b", 1), run_with("/a\x1b", 0)};
    const Difference all = difference(before, after);
    TextOptions narrow;
    narrow.width = 80;
    const std::string text = difference_text(all, narrow);
    INFO(text);
    CHECK(text.find(
              "Waited for file locks: 4.00 s before, 500 ms after, -88 % (runs of 20.0 s and\n20.0 s).") ==
          0);
    CHECK(text.find("The change is -4.00 s to -3.00 s with 95 % confidence, so it is no") !=
          std::string::npos);
    CHECK(text.find("  -40.0 to -30.0 points\n") != std::string::npos);
    CHECK(text.find("1. /a\\x1b\n   flock lock\n") != std::string::npos);
    CHECK(text.find("   waits           4     0.5          -3.5  -88 %  -4 to -3\n") != std::string::npos);
    CHECK(text.find("4.00 s -> 500 ms     flush (db.c:1)\n") != std::string::npos);
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        CHECK(text.find('\n', at) - at <= 80);
    }
    CHECK(difference_text(difference(before, before), {}).find("\n1 lock did not change.\n") !=
          std::string::npos);

    const auto json = nlohmann::json::parse(difference_json(all));
    CHECK(json["runs"]["before"] == 2);
    CHECK(json["locks"][0]["wait_ns"]["change"] == -3'500'000'000);
    CHECK(json["locks"][0]["wait_ns"]["low"] == -4'000'000'000);
    CHECK(json["locks"][0]["wait_p99_ns"]["before"] == 1'000'000'000);
    CHECK(json["locks"][0]["contended_share"]["after"] == 0.05);
    CHECK(json["locks"][0]["sites"][0]["frames"][0]["function"] == "flush");
    CHECK(json["run"]["wait_p99_ns"]["before"].is_null());
}
