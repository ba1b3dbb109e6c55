// What others see of a process while it runs, and what a full arena has no room for.
#include "shim/wait_mark.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::test;
using record::LeafKind;
using shim::Family;
using shim::Mode;

TEST_CASE("a live region is seen while it lasts, and no longer") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.family = Family::posix, .range = {10, 19}});
    const std::uint64_t granted = recording.now();
    {
        const reporter::Run run = recording.read();
        REQUIRE(run.regions.size() == 1);
        const reporter::Region &region = run.regions[0];
        CHECK(run.locks[region.lock].path == recording.path("a"));
        CHECK(region.mode == Mode::exclusive);
        CHECK(region.range_start == 10);
        CHECK(region.range_end == 19);
        CHECK(region.thread == gettid());
        CHECK(region.process == 0);
        CHECK(region.since_at_ns - run.started_at_ns ==
              static_cast<std::int64_t>(granted - recording.header().started.ticks));
    }
    recording.unlock(file, {.family = Family::posix, .range = {15, 100}});
    CHECK(recording.read().regions.at(0).range_end == 14);
    recording.unlock(file, {.family = Family::posix});
    CHECK(recording.read().regions.empty());
    recording.close(file);
}

TEST_CASE("many regions at once all have their place, which is used again") {
    Recording recording;
    const int file = recording.open("a");
    for (int round = 0; round < 3; ++round) {
        for (std::int64_t i = 0; i < 100; ++i) {
            recording.attempt(file, {.family = Family::ofd, .range = {2 * i, 2 * i}});
        }
        CHECK(recording.read().regions.size() == 100);
        recording.unlock(file, {.family = Family::ofd});
        CHECK(recording.read().regions.empty());
    }
    const reporter::Run run = recording.read();
    CHECK(exclusive(run, recording.path("a"), Family::ofd).region.count == 300);
    CHECK(leaf_of(run, recording.path("a"), LeafKind::release, Family::ofd).first.count == 3);
    std::size_t groups = 0;
    const record::ArenaView view = recording.view();
    view.for_chain<record::ThreadBlock>(
        recording.header().blocks, [&](record::Ref, const record::ThreadBlock &block) {
            view.for_chain<record::RegionGroup>(block.regions,
                                                [&](record::Ref, const record::RegionGroup &) { ++groups; });
        });
    CHECK(groups == 7);
    recording.close(file);
}

TEST_CASE("a thread that waits is seen waiting") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.mode = Mode::shared});
    recording.unlock(file);
    shim::Operation operation;
    operation.family = Family::flock;
    operation.descriptor = file;
    operation.waited = true;
    operation.wait_ticks = recording.now();
    shim::WaitMark mark;
    begin_wait(operation, FLOCKSTAT_FRAME_MARK(), &mark);
    {
        const reporter::Run run = recording.read();
        REQUIRE(run.waiting.size() == 1);
        CHECK(run.locks.at(run.waiting[0].lock).path == recording.path("a"));
        CHECK(run.waiting[0].mode == Mode::exclusive);
        CHECK(run.waiting[0].thread == gettid());
    }
    end_wait(mark);
    CHECK(recording.read().waiting.empty());
    recording.close(file);
}

TEST_CASE("events beyond their share of the arena are counted as lost, calls are not") {
    Recording recording(1);
    const int file = recording.open("a");
    constexpr std::uint64_t calls = 10'000;
    for (std::uint64_t i = 0; i < calls; ++i) {
        recording.attempt(file, {.error = ENOLCK});
    }
    const reporter::Run run = recording.read();
    CHECK(exclusive(run, recording.path("a")).failed == calls);
    CHECK(run.lost.events > 0);
    CHECK(run.events.size() + run.lost.events == calls);
    CHECK(run.events.size() * sizeof(record::Event) > shim::run.arena.bytes / 5);
    CHECK(recording.header().event_bytes <=
          shim::run.arena.bytes / record::event_share_divisor + sizeof(record::EventChunk));
    CHECK(run.lost.calls == 0);
    recording.close(file);
}

TEST_CASE("what a full arena has no room for is counted as lost") {
    Recording recording(1);
    constexpr std::uint64_t files = 6'000;
    for (std::uint64_t i = 0; i < files; ++i) {
        const std::string name = std::to_string(i);
        const int file = recording.open(name);
        recording.attempt(file, {.took_ns = 100});
        recording.wait(1'000);
        recording.unlock(file, {.took_ns = 200});
        recording.close(file);
    }
    const reporter::Run run = recording.read();
    std::uint64_t enters = 0, unlocks = 0, regions = 0;
    for (const reporter::Leaf &leaf : run.leaves) {
        const bool acquires = leaf.kind == LeafKind::acquire_exclusive;
        enters += acquires ? leaf.first.count : 0;
        regions += acquires ? leaf.region.count : 0;
        unlocks += acquires ? 0 : leaf.calls;
        REQUIRE(leaf.first.sum_ns == leaf.first.count * (acquires ? 100U : 200U));
        REQUIRE(leaf.region.sum_ns == leaf.region.count * 1'000U);
    }
    CHECK(run.damaged == 0);
    CHECK(run.locks.size() > 500);
    CHECK(run.lost.locks > 1'000);
    CHECK(enters <= files); // those of locks without a record share leaves, which may have found room
    CHECK(enters + unlocks + run.lost.calls == 2 * files);
    CHECK(regions <= enters);
    CHECK(run.processes.at(0).attempts == files);
    CHECK(run.processes.at(0).unlocks == files);
    CHECK(run.processes.at(0).enter.count == enters);
}

TEST_CASE("files that are left out leave nothing") {
    Recording recording;
    const std::string excluded = "*/left-out*";
    shim::run.settings.exclude = excluded;
    const int out = recording.open("left-out.lock");
    const int in = recording.open("in.lock");
    for (const int file : {out, in}) {
        recording.attempt(file);
        recording.unlock(file);
        recording.test(file);
        recording.attempt(file);
        recording.close(file);
    }
    const reporter::Run run = recording.read();
    REQUIRE(run.locks.size() == 1);
    CHECK(run.locks[0].path == recording.path("in.lock"));
    CHECK(run.leaves.size() == 3);
    CHECK(run.processes.at(0).attempts == 2);
    CHECK(run.regions.empty());
}

TEST_CASE("a removed file is known by the name that it had") {
    Recording recording;
    const int file = recording.open("gone");
    unlink(recording.path("gone").c_str());
    recording.attempt(file);
    recording.close(file);
    CHECK(recording.read().locks.at(0).path == recording.path("gone"));
}
