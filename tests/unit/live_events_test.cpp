// What a live arena holds, window by window: arenas that are read, extended and read again.
#include "reporter/analyze/live_events.h"

#include "tests/support/arena_builder.h"

#include <catch2/catch.hpp>

#include "reporter/read/arena_image.h"

using namespace flockstat;
using namespace flockstat::reporter;
using test::ArenaBuilder;

namespace {

constexpr std::uint64_t start = ArenaBuilder::start;

struct Watched {
    ArenaBuilder arena;
    record::Ref process = arena.process(10, record::ProcessState::running);
    record::Ref block = arena.block(process);
    record::Ref lock = arena.lock("/l", Family::flock);
    record::Leaf &leaf = arena.leaf(block, lock, 0, LeafKind::acquire_exclusive);
    record::LeafExtra &extra = arena.extra(leaf);
    LiveEvents live{std::chrono::seconds(1), static_cast<std::int64_t>(ArenaBuilder::start_realtime_ns)};
    std::vector<monitor::Event> events;
    monitor::EventHandlerHandle handle =
        monitor::register_event_handler([this](const monitor::Event &event) { events.push_back(event); });

    ~Watched() { monitor::unregister_event_handler(handle); }

    void contended(std::uint64_t wait_ticks, std::uint64_t probe_ticks, bool with_event = true) {
        arena.sample(leaf.first, wait_ticks + probe_ticks);
        arena.sample(extra.wait, wait_ticks);
        if (with_event) {
            add_event(wait_ticks, probe_ticks);
        }
    }
    void add_event(std::uint64_t wait_ticks, std::uint64_t probe_ticks) {
        record::Event &event = arena.event(record::EventKind::acquired, lock, 0, process);
        event.start_ticks = start;
        event.end_ticks = start + wait_ticks + probe_ticks;
        event.probe_ticks = static_cast<std::uint32_t>(probe_ticks);
        event.attempts = 1;
    }
    /// The data of the Stat events of a counter that closing a window logs.
    std::vector<monitor::EventData> close(const std::string &counter, bool last = false) {
        events.clear();
        live.close_window(read_run(ArenaImage(arena.bytes(), "test")), last);
        std::vector<monitor::EventData> found;
        for (const monitor::Event &event : events) {
            if (event.name == "flockstat.Stat" && event.data.contains(counter + ".count")) {
                found.push_back(event.data);
            }
        }
        return found;
    }
};

std::int64_t number(const monitor::EventData &data, const std::string &key) {
    return std::get<std::int64_t>(data.at(key));
}

} // namespace

TEST_CASE("a window has what came since the last one, and none of an idle lock", "[monitor]") {
    Watched run;
    run.arena.sample(run.leaf.first, 100);
    run.arena.sample(run.leaf.first, 300);
    auto found = run.close("filelock.enter");
    REQUIRE(found.size() == 1);
    CHECK(found[0] == monitor::EventData{{"filelock.enter.count", std::int64_t{2}},
                                         {"filelock.enter.sum", std::int64_t{400}},
                                         {"filelock.enter.mean", std::int64_t{200}},
                                         {"lock", "/l"},
                                         {"family", "flock"},
                                         {"unit", "ns"}});
    CHECK(run.events.back().name == "flockstat.Window");
    CHECK(run.close("filelock.enter").empty());
    CHECK(run.events.size() == 1); // the window itself
    run.arena.sample(run.leaf.first, 7);
    found = run.close("filelock.enter");
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.enter.count") == 1);
    CHECK(number(found[0], "filelock.enter.sum") == 7);
}

TEST_CASE("the greatest wait of a window is exact, and each event is logged once", "[monitor]") {
    Watched run;
    run.contended(500, 20);
    run.contended(90, 10);
    auto found = run.close("filelock.wait");
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.wait.max") == 500);
    CHECK(number(found[0], "filelock.wait.sum") == 590);
    CHECK(std::count_if(run.events.begin(), run.events.end(),
                        [](const monitor::Event &event) { return event.name == "flockstat.Acquired"; }) == 2);
    run.contended(40, 10);
    found = run.close("filelock.wait");
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.wait.max") == 40); // of this window, not of the run
    CHECK(number(found[0], "filelock.wait.count") == 1);
    const monitor::Event &acquired = run.events.front();
    CHECK(acquired.name == "flockstat.Acquired");
    CHECK(number(acquired.data, "wait_ns") == 40);
    CHECK(number(acquired.data, "enter_ns") == 50);
    CHECK(number(acquired.data, "pid") == 10);
}

TEST_CASE("a wait whose event is not there yet is counted when it is", "[monitor]") {
    Watched run;
    run.contended(500, 20, false);
    CHECK(run.close("filelock.wait").empty());
    run.add_event(500, 20);
    auto found = run.close("filelock.wait");
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.wait.count") == 1);
    // And the other way round: the event comes first.
    run.add_event(70, 0);
    found = run.close("filelock.wait");
    REQUIRE(found.size() == 1);
    run.arena.sample(run.extra.wait, 70);
    CHECK(run.close("filelock.wait").empty());
    CHECK(run.close("filelock.wait", true).empty());
}

TEST_CASE("waits whose events had no room are in the windows all the same", "[monitor]") {
    Watched run;
    run.contended(500, 20);
    run.contended(300, 20, false);
    run.arena.header().lost.events = 1;
    const auto found = run.close("filelock.wait");
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.wait.count") == 2);
    CHECK(number(found[0], "filelock.wait.sum") == 800);
    CHECK(run.close("filelock.wait", true).empty());
}

TEST_CASE("the last window has what no event told", "[monitor]") {
    Watched run;
    run.contended(300, 20, false);
    const auto found = run.close("filelock.wait", true);
    REQUIRE(found.size() == 1);
    CHECK(number(found[0], "filelock.wait.count") == 1);
    CHECK(number(found[0], "filelock.wait.sum") == 300);
}
