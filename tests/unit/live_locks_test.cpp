// Who stands behind whom when a run is read.
#include "reporter/analyze/live_locks.h"

#include <catch2/catch.hpp>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// A run with one thread a process, read at second 1.
struct Scene {
    Run run;

    explicit Scene(std::size_t processes) {
        run.read_at_ns = run.finished_at_ns = 1'000 * ms;
        for (std::size_t i = 0; i < processes; ++i) {
            Process process;
            process.pid = static_cast<std::int32_t>(i) + 1;
            process.ending = Ending::running;
            process.ended_at_ns = process.last_seen_at_ns = run.read_at_ns;
            run.processes.push_back(process);
        }
    }
    std::uint32_t lock(Family family = Family::flock, std::uint64_t inode = 1) {
        Lock made;
        made.family = family;
        made.inode = inode;
        run.locks.push_back(made);
        return static_cast<std::uint32_t>(run.locks.size() - 1);
    }
    void holds(std::uint32_t process, std::uint32_t lock, Mode mode = Mode::exclusive) {
        Region region;
        region.since_at_ns = static_cast<std::int64_t>(100 + run.regions.size()) * ms;
        region.lock = lock;
        region.process = process;
        region.thread = run.processes[process].pid;
        region.holders = 1;
        region.mode = mode;
        region.range_end = INT64_MAX;
        run.regions.push_back(region);
    }
    void wants(std::uint32_t process, std::uint32_t lock, Mode mode = Mode::exclusive) {
        run.waiting.push_back({500 * ms, lock, process, run.processes[process].pid, mode});
    }
};

} // namespace

TEST_CASE("who wants a lock stands behind those who hold it") {
    Scene scene(3);
    const std::uint32_t lock = scene.lock();
    scene.holds(0, lock, Mode::shared);
    scene.holds(1, lock, Mode::shared);
    SECTION("all of them, for a writer") {
        scene.wants(2, lock);
        const LiveLocks locks = live_locks(scene.run);
        REQUIRE(locks.held.size() == 2);
        CHECK(locks.held[0].held_ns == 900 * ms); // the longest first
        CHECK(locks.held[1].held_ns == 899 * ms);
        REQUIRE(locks.wanted.size() == 1);
        CHECK(locks.wanted[0].behind == std::vector<std::size_t>{0, 1});
        CHECK(locks.wanted[0].wait_ns == 500 * ms);
        CHECK_FALSE(locks.wanted[0].deadlocked);
    }
    SECTION("none of them, for a reader") {
        scene.wants(2, lock, Mode::shared);
        CHECK(live_locks(scene.run).wanted.at(0).behind.empty());
    }
    SECTION("and a process that is gone holds nothing") {
        scene.run.processes[0].ending = Ending::killed;
        CHECK(live_locks(scene.run).held.size() == 1);
    }
    SECTION("whoever polls, too") {
        Episode episode;
        episode.first_at_ns = 700 * ms;
        episode.last_at_ns = 990 * ms;
        episode.attempts = 5;
        episode.lock = lock;
        episode.process = 2;
        episode.mode = Mode::exclusive;
        scene.run.episodes.push_back(episode);
        const LiveLocks locks = live_locks(scene.run);
        REQUIRE(locks.wanted.size() == 1);
        CHECK(locks.wanted[0].polling);
        CHECK(locks.wanted[0].wait_ns == 300 * ms);
        CHECK(locks.wanted[0].behind.size() == 2);
    }
}

TEST_CASE("locks of different kinds or files are in nobody's way") {
    Scene scene(2);
    const std::uint32_t posix = scene.lock(Family::posix);
    scene.holds(0, posix);
    SECTION("flock") { scene.wants(1, scene.lock(Family::flock)); }
    SECTION("another file") { scene.wants(1, scene.lock(Family::posix, 2)); }
    SECTION("its own posix lock") { scene.wants(0, posix); }
    SECTION("a file that was not looked at") { scene.wants(1, no_index); }
    CHECK(live_locks(scene.run).wanted.at(0).behind.empty());
}

TEST_CASE("bytes that nobody else has are in nobody's way") {
    Scene scene(2);
    const std::uint32_t lock = scene.lock(Family::posix);
    scene.holds(0, lock);
    scene.run.regions[0].range_start = 100;
    scene.run.regions[0].range_end = 109;
    scene.wants(1, lock);
    Waiting &waiting = scene.run.waiting[0];
    const auto behind = [&](std::int64_t start, std::int64_t end) {
        waiting.range_start = start;
        waiting.range_end = end;
        return live_locks(scene.run).wanted.at(0).behind.size();
    };
    CHECK(behind(0, 99) == 0);
    CHECK(behind(0, 100) == 1);
    CHECK(behind(109, INT64_MAX) == 1);
    CHECK(behind(110, INT64_MAX) == 0);
}

TEST_CASE("a deadlock is found among those who wait for one another, and only there") {
    Scene scene(4);
    for (std::uint32_t i = 0; i < 3; ++i) {
        scene.holds(i, scene.lock(Family::flock, i));
    }
    scene.wants(0, 1);
    scene.wants(1, 2);
    scene.wants(3, 0); // waits for the ring, but nobody for it
    SECTION("a chain is none") {
        for (const WantedLock &wanted : live_locks(scene.run).wanted) {
            CHECK_FALSE(wanted.deadlocked);
        }
    }
    SECTION("a ring is") {
        scene.wants(2, 0);
        for (const WantedLock &wanted : live_locks(scene.run).wanted) {
            CHECK(wanted.deadlocked == (wanted.process != 3));
        }
    }
}
