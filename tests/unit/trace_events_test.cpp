// Trace Event JSON: what its viewers rely on.
#include "reporter/write/trace_events.h"
#include "reporter/write/trace_lanes.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace flockstat::reporter;
using nlohmann::json;

namespace {

using Kind = TimelineBar::Kind;

TimelineBar bar(Kind kind, std::optional<std::size_t> process, std::int32_t thread, std::int64_t start_at_ns,
                std::int64_t end_at_ns, std::optional<std::size_t> blocker = std::nullopt) {
    return {kind, Mode::exclusive, 0, 0, process, thread, start_at_ns, end_at_ns, blocker};
}

/// A lock with one site, and processes of these pids.
Report report_of(const std::vector<std::int32_t> &pids, std::vector<TimelineBar> bars) {
    Report report;
    report.run.started_at_ns = 1'000'000;
    report.locks.resize(1);
    report.locks[0].path = "/srv/a.lock";
    report.sites.resize(1);
    report.sites[0].frames = {{.function = "flush", .module = {}}};
    for (const std::int32_t pid : pids) {
        report.processes.emplace_back();
        report.processes.back().pid = pid;
        report.processes.back().command = {"./p", std::to_string(pid)};
    }
    report.timeline = std::move(bars);
    return report;
}

/// The events of a kind ("X", "M", "s", "f"); with a name where one is given.
std::vector<json> events(const json &trace, const std::string &phase, const std::string &name = "") {
    std::vector<json> found;
    for (const json &event : trace.at("traceEvents"))
        if (event.at("ph") == phase && (name.empty() || event.at("name") == name))
            found.push_back(event);
    return found;
}

/// What readers make of a time: nanoseconds, cut off.
std::int64_t nanoseconds(const json &time) { return static_cast<std::int64_t>(time.get<double>() * 1000.0); }

/// The slice of that track in which a time lies, as a viewer finds it.
json slice_at(const json &trace, const json &event) {
    json found;
    for (const json &slice : events(trace, "X")) {
        const std::int64_t start_ns = nanoseconds(slice["ts"]);
        const std::int64_t at_ns = nanoseconds(event["ts"]);
        if (slice["pid"] == event["pid"] && slice["tid"] == event["tid"] && start_ns <= at_ns &&
            at_ns < std::max(start_ns + nanoseconds(slice["dur"]), start_ns + 1)) {
            CHECK(found.is_null());
            found = slice;
        }
    }
    return found;
}

json trace_of(const Report &report) {
    return json::parse(text_of([&](const TextSink &sink) { write_trace_events(report, sink); }));
}

} // namespace

TEST_CASE("bars of a thread share a lane where none overlaps another", "[trace]") {
    const std::vector<TimelineBar> bars = {
        bar(Kind::hold, 1, 7, 0, 100),      bar(Kind::wait, 1, 7, 10, 20),
        bar(Kind::hold, 1, 7, 50, 60),      bar(Kind::hold, 1, 7, 55, 200),
        bar(Kind::hold, 1, 7, 101, 110),    bar(Kind::hold, 1, 7, 102, 110),
        bar(Kind::blocked, 0, 7, 300, 400), bar(Kind::hold, std::nullopt, 0, 300, 400)};
    const TraceLanes lanes = trace_lanes(bars);
    REQUIRE(lanes.lanes.size() == 6);
    CHECK(lanes.of == std::vector<std::size_t>{2, 1, 3, 4, 3, 2, 0, 5});
    CHECK(lanes.lanes[0].process == 0);
    CHECK(lanes.lanes[1].waits);
    CHECK(lanes.lanes[4].number == 2);
    CHECK(lanes.lanes[4].thread == 7);
    CHECK_FALSE(lanes.lanes[5].process);
}

TEST_CASE("no two bars of a lane touch, and there are no more lanes than bars at once", "[trace]") {
    std::mt19937 random(7); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    std::vector<TimelineBar> bars;
    std::int64_t start = 0;
    for (int i = 0; i < 2'000; ++i) {
        start += random() % 5;
        bars.push_back(bar(Kind::hold, 0, 1, start, start + random() % 20));
    }
    const TraceLanes lanes = trace_lanes(bars);
    std::map<std::size_t, std::int64_t> until;
    std::size_t most = 0;
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const auto before = until.find(lanes.of[i]);
        CHECK((before == until.end() || before->second + 2 <= bars[i].start_at_ns));
        until[lanes.of[i]] = bars[i].end_at_ns;
        most = std::max(
            most, static_cast<std::size_t>(std::count_if(until.begin(), until.end(), [&](const auto &lane) {
                return lane.second + 2 > bars[i].start_at_ns;
            })));
    }
    CHECK(lanes.lanes.size() == most);
}

TEST_CASE("times come through readers that cut off to the nanosecond", "[trace]") {
    CHECK(trace_microseconds(0) == "0.000");
    CHECK(trace_microseconds(1'234'567) == "1234.567");
    std::size_t nudged = 0;
    const auto check = [&](std::int64_t time_ns) {
        const std::string text = trace_microseconds(time_ns);
        const double read_ns = std::stod(text) * 1000.0;
        if (static_cast<std::int64_t>(read_ns) != time_ns || read_ns - static_cast<double>(time_ns) > 0.6)
            FAIL(time_ns << " became " << text);
        nudged += text.size() - text.find('.') == 5 ? 1 : 0;
    };
    for (std::int64_t time_ns = 0; time_ns < 100'000; ++time_ns)
        check(time_ns);
    for (std::int64_t time_ns = 86'400'000'000'000; time_ns < 86'400'000'100'000; ++time_ns) // a day
        check(time_ns);
    CHECK(nudged > 0);
}

TEST_CASE("a trace has a track for what a thread waits for and one for what it holds", "[trace]") {
    Report report = report_of({12, 13}, {bar(Kind::hold, 0, 12, 1'000'500, 1'003'000),
                                         bar(Kind::wait, 1, 13, 1'001'000, 1'003'250, 0),
                                         bar(Kind::hold, 1, 13, 1'003'250, 1'004'001)});
    report.lost.events = 3;
    const json trace = trace_of(report);
    const std::vector<json> slices = events(trace, "X");
    REQUIRE(slices.size() == 3);
    CHECK(slices[0] == json::parse(R"({"ph": "X", "name": "/srv/a.lock", "cat": "hold", "pid": 12,
        "tid": 4194304, "ts": 0.5, "dur": 2.5, "args":
        {"lock": "/srv/a.lock", "family": "flock", "mode": "exclusive", "site": ["flush"]}})"));
    CHECK(slices[1]["cat"] == "wait");
    CHECK(slices[1]["tid"] == 13);
    CHECK(slices[1]["args"]["behind_pid"] == 12);
    CHECK(slices[1]["args"]["behind_thread"] == 12);
    CHECK(nanoseconds(slices[2]["dur"]) == 751);
    std::set<std::string> names;
    for (const char *what : {"process_name", "thread_name"})
        for (const json &event : events(trace, "M", what))
            names.insert(event["pid"].dump() + " " + event["args"]["name"].get<std::string>());
    CHECK(names == std::set<std::string>{"12 ./p 12", "12 thread 12 holds", "13 ./p 13", "13 thread 13 waits",
                                         "13 thread 13 holds"});
    CHECK(events(trace, "M", "process_labels").empty());
    CHECK(trace["displayTimeUnit"] == "ns");
    CHECK(trace["otherData"]["lost"]["events"] == 3);
    CHECK(trace["otherData"]["run"]["duration_ns"] == 0);
}

TEST_CASE("arrows lead from the end of a hold to the end of the wait behind it", "[trace]") {
    // The first hold ends in time, the second goes on after the wait, the third is as short as can be.
    const Report report = report_of(
        {12, 13, 14},
        {bar(Kind::hold, 0, 12, 1'000'000, 1'003'000), bar(Kind::wait, 1, 13, 1'001'000, 1'003'250, 0),
         bar(Kind::hold, 0, 12, 1'003'002, 1'009'000), bar(Kind::hold, 2, 14, 1'004'000, 1'004'000),
         bar(Kind::wait, 1, 13, 1'004'000, 1'005'000, 2), bar(Kind::wait, 2, 14, 1'004'000, 1'004'000, 3)});
    const json trace = trace_of(report);
    const std::vector<json> starts = events(trace, "s");
    const std::vector<json> ends = events(trace, "f");
    const std::vector<json> slices = events(trace, "X");
    REQUIRE(starts.size() == 3);
    REQUIRE(ends.size() == 3);
    const std::size_t holds[] = {0, 2, 3};
    const std::size_t waits[] = {1, 4, 5};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(starts[i]["id"] == ends[i]["id"]);
        CHECK(ends[i]["bp"] == "e");
        CHECK(slice_at(trace, starts[i]) == slices[holds[i]]);
        CHECK(slice_at(trace, ends[i]) == slices[waits[i]]);
        CHECK(nanoseconds(starts[i]["ts"]) <= nanoseconds(ends[i]["ts"]));
    }
    CHECK(nanoseconds(starts[0]["ts"]) == 2'999);
    CHECK(nanoseconds(starts[1]["ts"]) == 4'999);
    CHECK(nanoseconds(ends[1]["ts"]) == 4'999);
    CHECK(starts[0]["id"] != starts[1]["id"]);
}

TEST_CASE("processes of one pid and unknown ones have numbers that no other has", "[trace]") {
    const Report report = report_of(
        {12, 12}, {bar(Kind::hold, 0, 12, 1'000'000, 1'000'100), bar(Kind::wait, 0, 12, 1'000'000, 1'000'100),
                   bar(Kind::wait, 1, 12, 1'000'200, 1'000'300), bar(Kind::wait, 1, 0, 1'000'200, 1'000'300),
                   bar(Kind::hold, std::nullopt, 0, 1'000'200, 1'000'300)});
    const json trace = trace_of(report);
    std::set<std::int64_t> tracks;
    for (const json &event : events(trace, "M", "thread_name"))
        tracks.insert(event["tid"].get<std::int64_t>());
    CHECK(tracks.size() == 5);
    CHECK(tracks.count(12) == 1);
    const std::vector<json> labels = events(trace, "M", "process_labels");
    REQUIRE(labels.size() == 1);
    CHECK(labels[0]["args"]["labels"] == "pid 12");
    const std::vector<json> names = events(trace, "M", "process_name");
    REQUIRE(names.size() == 3);
    CHECK(names[0]["pid"] == 12);
    CHECK(names[2]["args"]["name"] == "unknown process");
    CHECK(events(trace, "M", "thread_name").back()["args"]["name"] == "unknown thread holds");
}

TEST_CASE("a trace is JSON whatever names hold", "[trace]") {
    Report report = report_of({12}, {bar(Kind::given_up, 0, 12, 1'000'000, 1'000'001)});
    report.locks[0].path = "/d/a \"b\"\\\n\x1b\xff\xc3\xa9{}";
    report.sites[0].frames = {{.function = report.locks[0].path, .module = {}}};
    report.processes[0].command = {report.locks[0].path, "\xc3"};
    report.run.command = report.processes[0].command;
    const json trace = trace_of(report);
    const json slice = events(trace, "X").at(0);
    const std::string shown = "/d/a \"b\"\\\\n\\x1b\\xff\xc3\xa9{}";
    CHECK(slice["args"]["lock"] == shown);
    CHECK(slice["name"] == shown);
    CHECK(slice["cat"] == "given_up");
    CHECK(slice["args"]["site"][0] == "\"b\"\\\\n\\x1b\\xff\xc3\xa9{}"); // short_function() cuts it
    CHECK(events(trace, "M", "process_name").at(0)["args"]["name"] == shown + " \\xc3");
    CHECK(trace_of(Report{})["traceEvents"].empty());
}
