// The JSON report: every key, always, and nothing but UTF-8.
#include "reporter/write/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace flockstat::reporter;
using flockstat::record::Clock;
using Json = nlohmann::ordered_json;

namespace {

std::vector<std::string> keys(const Json &object) {
    std::vector<std::string> keys;
    for (const auto &[key, value] : object.items()) {
        keys.push_back(key);
    }
    return keys;
}

using Keys = std::vector<std::string>;

const Keys stat_keys{"count",    "sum_ns", "mean_ns", "min_ns", "max_ns",
                     "value_ns", "p50_ns", "p90_ns",  "p99_ns"};
const Keys short_keys{"count", "sum_ns", "mean_ns", "min_ns", "max_ns", "value_ns"};

Report example() {
    Report report;
    report.run.directory = "/tmp/run";
    report.run.command = {"sh", "-c", "true"};
    report.run.started_at_ns = 1'700'000'000'123'456'789;
    report.run.duration_ns = 65'000'000'000;
    report.run.host = "box";
    report.run.clock = Clock::tsc;
    report.run.complete = true;
    LockReport lock;
    lock.path = "/data/a.db";
    lock.device_major = 259;
    lock.device_minor = 3;
    lock.inode = 77;
    lock.filesystem = "ext4";
    lock.family = Family::posix;
    lock.errors = {{"ENOLCK", 3}};
    lock.released.unknown = 4;
    lock.wait = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    report.locks.push_back(lock);
    SiteReport site;
    site.frames = {{"main", "a.c", 7, "/bin/a", 4096, false}};
    report.sites.push_back(site);
    ProcessReport process;
    process.pid = 12;
    process.parent = 1;
    process.command = {"a"};
    process.executable = "/bin/a";
    process.ending = Ending::exited;
    process.status = 3;
    report.processes.push_back(process);
    process.ending = Ending::unknown;
    process.status.reset();
    report.processes.push_back(process);
    return report;
}

} // namespace

TEST_CASE("the report's keys are those of the schema, in its order") {
    const Json json = Json::parse(to_json(example()));
    CHECK(keys(json) == Keys{"schema", "run", "lost", "unattributed", "counters", "locks", "sites",
                             "processes", "blame", "findings", "concurrency", "windows", "by", "groups"});
    CHECK(json["schema"] == "flockstat.report/1");
    CHECK(keys(json["run"]) == Keys{"directory", "command", "started", "duration_ns", "host", "hosts",
                                    "elsewhere", "clock", "processes", "threads", "complete", "probe",
                                    "unread_python"});
    CHECK(keys(json["lost"]) == Keys{"events", "processes", "locks", "stacks", "calls", "orders"});
    CHECK(keys(json["unattributed"]) == Keys{"flock", "posix", "ofd"});
    CHECK(keys(json["unattributed"]["ofd"]) == Keys{"attempts", "unlocks", "tests", "errors"});
    CHECK(keys(json["counters"]) == Keys{"filelock.enter", "filelock.region", "filelock.exit"});
    CHECK(keys(json["counters"]["filelock.exit"]) == stat_keys);
    const Json &lock = json["locks"][0];
    CHECK(keys(lock) == Keys{"path",         "name",         "source",     "hosts",        "device",
                             "inode",        "filesystem",   "family",     "attempts",     "granted",
                             "refused",      "interrupted",  "deadlocked", "failed",       "tests",
                             "unlocks",      "acquisitions", "contended",  "polled",       "abandoned",
                             "abandoned_ns", "errors",       "released",   "held_open_ns", "held_by",
                             "held_outside", "shared",       "exclusive",  "enter",        "region",
                             "exit",         "wait",         "overshoot",  "fairness"});
    CHECK(keys(lock["released"]) ==
          Keys{"unlock", "close", "exit", "exec", "converted", "still_held", "unknown"});
    CHECK(keys(lock["shared"]) == Keys{"enter", "region"});
    CHECK(keys(lock["exclusive"]["region"]) == stat_keys);
    for (const char *stat : {"enter", "region", "exit", "wait", "overshoot"}) {
        CHECK(keys(lock[stat]) == stat_keys);
    }
    const Json &site = json["sites"][0];
    CHECK(keys(site) == Keys{"lock", "frames", "acquisitions", "contended", "enter", "region", "wait"});
    CHECK(keys(site["frames"][0]) == Keys{"function", "file", "line", "module", "offset", "language"});
    const Json &process = json["processes"][0];
    CHECK(keys(process) == Keys{"host", "pid", "parent", "command", "exe", "ended", "status", "attempts",
                                "unlocks", "enter", "region", "wait", "counters", "job"});
    CHECK(keys(process["wait"]) == short_keys);
}

TEST_CASE("values stand where they belong") {
    const Json json = Json::parse(to_json(example()));
    CHECK(json["run"]["started"] == "2023-11-14T22:13:20.123Z");
    CHECK(json["run"]["duration_ns"] == 65'000'000'000);
    CHECK(json["run"]["clock"] == "tsc");
    CHECK(json["run"]["complete"] == true);
    CHECK(json["run"]["command"] == Json({"sh", "-c", "true"}));
    const Json &lock = json["locks"][0];
    CHECK(lock["device"] == "259:3");
    CHECK(lock["family"] == "posix");
    CHECK(lock["errors"] == Json({{"ENOLCK", 3}}));
    CHECK(lock["released"]["unknown"] == 4);
    CHECK(lock["wait"].dump() ==
          R"({"count":1,"sum_ns":2,"mean_ns":3,"min_ns":4,"max_ns":5,"value_ns":6,"p50_ns":7,)"
          R"("p90_ns":8,"p99_ns":9})");
    CHECK(json["sites"][0]["frames"][0]["offset"] == 4096);
    CHECK(json["processes"][0]["ended"] == "exit");
    CHECK(json["processes"][0]["status"] == 3);
    CHECK(json["processes"][1]["ended"].is_null());
    CHECK(json["processes"][1]["status"].is_null());
    CHECK(json["blame"] == Json::array());
    CHECK(json["findings"] == Json::array());
    CHECK(json["windows"] == Json::array());
}

TEST_CASE("a report of nothing is complete too") {
    const Json json = Json::parse(to_json(Report{}));
    CHECK(json["locks"] == Json::array());
    CHECK(json["run"]["command"] == Json::array());
    CHECK(json["counters"]["filelock.enter"]["count"] == 0);
    CHECK(json["unattributed"]["flock"]["errors"] == Json::object());
}

TEST_CASE("integers are exact up to 64 bits") {
    Report report = example();
    report.locks[0].inode = UINT64_MAX;
    report.locks[0].wait.sum_ns = (std::uint64_t{1} << 53U) + 1;
    const Json lock = Json::parse(to_json(report))["locks"][0];
    CHECK(lock["inode"].get<std::uint64_t>() == UINT64_MAX);
    CHECK(lock["wait"]["sum_ns"].get<std::uint64_t>() == (std::uint64_t{1} << 53U) + 1);
}

TEST_CASE("names that are no UTF-8 come out as their bytes") {
    Report report = example();
    report.locks[0].path = "/data/\xff\xc3(\xe2\x82\xac\xed\xa0\x80/\n";
    report.processes[0].command = {std::string("a\0b\x80", 4)};
    const std::string text = to_json(report);
    const Json json = Json::parse(text);
    CHECK(json["locks"][0]["path"] == "/data/\\xff\\xc3(\xe2\x82\xac\\xed\\xa0\\x80/\n");
    CHECK(json["processes"][0]["command"][0] == std::string("a\0b\\x80", 7));
}

TEST_CASE("how a process ended has its words") {
    Report report;
    report.processes.resize(5);
    const Ending endings[] = {Ending::exited, Ending::execed, Ending::killed, Ending::running,
                              Ending::unknown};
    for (std::size_t i = 0; i < 5; ++i) {
        report.processes[i].ending = endings[i];
    }
    std::string words;
    const Json json = Json::parse(to_json(report));
    for (const Json &process : json["processes"]) {
        words += process["ended"].dump();
    }
    CHECK(words == R"("exit""exec""killed""running"null)");
}
