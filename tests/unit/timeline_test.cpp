// Single waits and holds, each wait joined to the hold that was in its way the longest.
#include "reporter/analyze/timeline.h"
#include "reporter/write/html_extras.h"

#include <catch2/catch.hpp>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

Event event_of(record::EventKind kind, std::uint32_t process, std::int64_t start_at_ns,
               std::int64_t end_at_ns) {
    Event event;
    event.kind = kind;
    event.mode = Mode::exclusive;
    event.lock = 0;
    event.stack = process;
    event.process = process;
    event.thread = static_cast<std::int32_t>(process) + 100;
    event.start_at_ns = start_at_ns;
    event.end_at_ns = end_at_ns;
    event.wait_ns = static_cast<std::uint64_t>(end_at_ns - start_at_ns);
    event.duration_ns = event.wait_ns;
    event.range_end = INT64_MAX;
    return event;
}

/// Three processes that take turns: 1 waits behind 0 for a short and 2 behind both for a long time.
Run turns() {
    Run run;
    run.locks.resize(1);
    run.stacks.resize(3);
    run.processes.resize(3);
    run.events = {
        event_of(record::EventKind::held, 0, 100, 300), event_of(record::EventKind::acquired, 1, 250, 300),
        event_of(record::EventKind::held, 1, 300, 900), event_of(record::EventKind::acquired, 2, 260, 900),
        event_of(record::EventKind::abandoned, 2, 10, 20)};
    for (std::uint32_t process = 0; process < 3; ++process) {
        Leaf leaf;
        leaf.lock = 0;
        leaf.stack = process;
        leaf.kind = LeafKind::acquire_exclusive;
        leaf.first.add(1, 1);
        run.leaves.push_back(leaf);
        run.stacks[process].frames = {{.offset = process, .module = no_index}};
        run.stacks[process].process = 0;
        run.processes[process].pid = static_cast<std::int32_t>(process) + 1;
    }
    return run;
}

Json extras_of(const Report &report) {
    return Json::parse(text_of([&](const TextSink &sink) {
        JsonStream json(sink, JsonStream::Layout::in_html);
        put_extras(json, report);
        json.finish();
    }));
}

} // namespace

TEST_CASE("a wait is joined to the hold that was in its way the longest") {
    const Report report = analyze(std::vector{turns()}, nullptr);
    const std::vector<TimelineBar> &bars = report.timeline;
    REQUIRE(bars.size() == 5);
    CHECK(bars[0].kind == TimelineBar::Kind::given_up);
    CHECK(bars[1].kind == TimelineBar::Kind::hold);
    CHECK(bars[1].start_at_ns == 100);
    CHECK(bars[2].kind == TimelineBar::Kind::wait);
    CHECK(bars[2].blocker == 1U);
    CHECK(bars[3].start_at_ns == 260);
    CHECK(bars[3].end_at_ns == 900);
    CHECK(bars[3].blocker == 4U);
    CHECK(bars[4].thread == 101);
    CHECK(report.processes.at(bars[4].process.value()).pid == 2);
    CHECK(report.sites.at(bars[4].site.value()).lock == bars[4].lock);
}

TEST_CASE("several runs' bars are one timeline") {
    const Report report = analyze(std::vector{turns(), turns()}, nullptr);
    REQUIRE(report.timeline.size() == 10);
    for (const TimelineBar &bar : report.timeline) {
        if (bar.kind == TimelineBar::Kind::wait) {
            REQUIRE(bar.blocker);
            const TimelineBar &hold = report.timeline[*bar.blocker];
            CHECK(hold.kind == TimelineBar::Kind::hold);
            CHECK(hold.start_at_ns < bar.end_at_ns);
        }
    }
}

TEST_CASE("a thread that is blocked has a bar up to when the run was read") {
    Run run = turns();
    run.events.clear();
    run.read_at_ns = 5'000;
    run.processes[1].ending = Ending::running;
    run.waiting = {{.since_at_ns = 1'000, .lock = 0, .process = 1, .thread = 7, .mode = Mode::exclusive},
                   {.since_at_ns = 1'000, .process = 1, .thread = 8}};
    const Report report = analyze(std::vector{run}, nullptr);
    REQUIRE(report.timeline.size() == 1);
    CHECK(report.timeline[0].kind == TimelineBar::Kind::blocked);
    CHECK(report.timeline[0].end_at_ns == 5'000);
    CHECK(report.timeline[0].thread == 7);
}

TEST_CASE("the page's timeline has a list for each fact, and times since its first bar") {
    const Json timeline = extras_of(analyze(std::vector{turns()}, nullptr))["timeline"];
    CHECK(timeline["from"] == 10);
    CHECK(timeline["start"] == Json::array({0, 90, 240, 250, 290}));
    CHECK(timeline["length"] == Json::array({10, 200, 50, 640, 600}));
    CHECK(timeline["kind"] == Json::array({2, 0, 1, 1, 0}));
    CHECK(timeline["exclusive"] == Json::array({1, 1, 1, 1, 1}));
    CHECK(timeline["blocker"] == Json::array({-1, -1, 1, 4, -1}));
}

TEST_CASE("waits are told by mode, for people's reports") {
    Run run = turns();
    run.leaves[0].wait.add(70, 1);
    run.leaves[1].kind = LeafKind::acquire_shared;
    run.leaves[1].wait.add(80, 1);
    run.leaves[1].region.add(90, 1);
    const Json group = extras_of(analyze(std::vector{run}, nullptr))["groups"][0];
    CHECK(group["wait"]["exclusive"] == Json::array({{70, 1}}));
    CHECK(group["wait"]["shared"] == Json::array({{80, 1}}));
    CHECK(group["region"]["shared"] == Json::array({{90, 1}}));
    CHECK(group["sum"] == nullptr);
}
