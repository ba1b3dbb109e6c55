// Waits shared out among the regions that were in their way.
#include "reporter/analyze/blame.h"

#include <catch2/catch.hpp>

#include <map>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// What a wait or a region is told by.
struct Told {
    std::uint32_t stack;
    std::int64_t start_ms, end_ms;
    Mode mode = Mode::exclusive;
    std::uint32_t lock = 0;
    std::uint32_t process = 0;
    std::int64_t range_start = 0, range_end = INT64_MAX;
};

class Story {
public:
    explicit Story(Family family = Family::flock) {
        add_lock(family);
        for (std::int32_t pid = 1; pid <= 3; ++pid) {
            Process process;
            process.pid = pid;
            run.processes.push_back(process);
        }
        run.stacks.resize(10);
    }
    void add_lock(Family family, std::uint64_t inode = 1) {
        Lock lock;
        lock.inode = inode;
        lock.family = family;
        run.locks.push_back(lock);
    }
    void waited(const Told &told) { add(record::EventKind::acquired, told); }
    void held(const Told &told) { add(record::EventKind::held, told); }

    /// Blamed milliseconds by waiting and holding stack; 99 is nobody.
    [[nodiscard]] std::map<std::pair<unsigned, unsigned>, std::uint64_t> blame() const {
        std::map<std::pair<unsigned, unsigned>, std::uint64_t> all;
        for (const Blame &blame : blame_of(run)) {
            const auto key = std::pair(blame.waiter.stack, blame.holder ? blame.holder->stack : 99U);
            CHECK(all.count(key) == 0);
            all[key] = blame.wait_ns / static_cast<std::uint64_t>(ms);
        }
        return all;
    }

    Run run;

private:
    void add(record::EventKind kind, const Told &told) {
        Event event;
        event.kind = kind;
        event.lock = told.lock;
        event.family = run.locks[told.lock].family;
        event.stack = told.stack;
        event.process = told.process;
        event.mode = told.mode;
        event.start_at_ns = told.start_ms * ms;
        event.end_at_ns = told.end_ms * ms;
        if (kind == record::EventKind::acquired) {
            event.start_at_ns -= 5 * ms; // the probe was slow; it is no part of the wait
            event.wait_ns = static_cast<std::uint64_t>((told.end_ms - told.start_ms) * ms);
        }
        event.range_start = told.range_start;
        event.range_end = told.range_end;
        run.events.push_back(event);
    }
};

using Shares = std::map<std::pair<unsigned, unsigned>, std::uint64_t>;

} // namespace

TEST_CASE("a wait behind several holders in turn is shared out by time") {
    Story story;
    story.held({.stack = 1, .start_ms = 0, .end_ms = 300});
    story.held({.stack = 2, .start_ms = 300, .end_ms = 500, .process = 1});
    story.waited({.stack = 2, .start_ms = 100, .end_ms = 300, .process = 1});
    story.waited({.stack = 3, .start_ms = 200, .end_ms = 500, .process = 2});
    CHECK(story.blame() == Shares{{{2, 1}, 200}, {{3, 1}, 100}, {{3, 2}, 200}});
}

TEST_CASE("time with no known holder is nobody's, but for the handing over") {
    Story story;
    story.held({.stack = 1, .start_ms = 20, .end_ms = 50});
    story.waited({.stack = 2, .start_ms = 0, .end_ms = 60, .process = 1});
    // Before: 20. Afterwards a millisecond is the release's, and 9 are not explained.
    CHECK(story.blame() == Shares{{{2, 1}, 31}, {{2, 99}, 29}});
    Story alone;
    alone.waited({.stack = 2, .start_ms = 0, .end_ms = 60});
    CHECK(alone.blame() == Shares{{{2, 99}, 60}});
}

TEST_CASE("shared holders who keep a writer out at once have equal parts") {
    Story story;
    story.held({.stack = 1, .start_ms = 0, .end_ms = 90, .mode = Mode::shared});
    story.held({.stack = 2, .start_ms = 30, .end_ms = 90, .mode = Mode::shared, .process = 1});
    story.waited({.stack = 3, .start_ms = 10, .end_ms = 90, .process = 2});
    CHECK(story.blame() == Shares{{{3, 1}, 50}, {{3, 2}, 30}});
    SECTION("and are in no reader's way") {
        story.waited({.stack = 4, .start_ms = 10, .end_ms = 20, .mode = Mode::shared, .process = 2});
        CHECK(story.blame().at({4, 99}) == 10);
    }
}

TEST_CASE("only locks that the kernel sees in conflict are blamed") {
    Story story(Family::posix);
    story.add_lock(Family::ofd);
    story.add_lock(Family::flock);
    story.add_lock(Family::posix, 2);
    story.held({.stack = 1, .start_ms = 0, .end_ms = 10, .range_start = 0, .range_end = 9});
    Told wait{.stack = 5, .start_ms = 0, .end_ms = 10, .process = 1};
    Shares expected{{{5, 99}, 10}};
    SECTION("the same bytes") {
        wait.range_end = 0;
        expected = {{{5, 1}, 10}};
    }
    SECTION("other bytes") { wait.range_start = 10; }
    SECTION("the same file, by its open file description") {
        wait.lock = 1;
        expected = {{{5, 1}, 10}};
    }
    SECTION("flock") { wait.lock = 2; }
    SECTION("another file") { wait.lock = 3; }
    SECTION("its own process") { wait.process = 0; }
    story.waited(wait);
    CHECK(story.blame() == expected);
}

TEST_CASE("what is held still is in the way until the run was read") {
    Story story;
    story.run.read_at_ns = story.run.finished_at_ns = 1'000 * ms;
    story.run.processes[0].ending = Ending::running;
    Region region;
    region.lock = 0;
    region.stack = 1;
    region.process = 0;
    region.mode = Mode::shared;
    region.since_at_ns = 10 * ms;
    region.range_end = INT64_MAX;
    region.holders = 1;
    story.run.regions.push_back(region);
    story.waited({.stack = 2, .start_ms = 0, .end_ms = 100, .process = 1});
    CHECK(story.blame() == Shares{{{2, 1}, 90}, {{2, 99}, 10}});
}
