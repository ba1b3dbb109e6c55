// What calls leave in the arena: samples, counts and events.
#include "shim/recorder.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <unistd.h>
#include <vector>

using namespace flockstat;
using namespace flockstat::test;
using record::EventKind;
using record::LeafKind;
using record::Release;
using reporter::no_index;
using shim::Family;
using shim::Mode;

namespace {

/// The leaf itself, in the arena.
record::Leaf raw_leaf(const Recording &recording, LeafKind kind) {
    record::Leaf found{};
    const record::ArenaView view = recording.view();
    view.for_chain<record::ThreadBlock>(
        recording.header().blocks, [&](record::Ref, const record::ThreadBlock &block) {
            view.for_chain<record::Leaf>(block.leaves, [&](record::Ref, const record::Leaf &leaf) {
                found = leaf.kind == kind ? leaf : found;
            });
        });
    return found;
}

} // namespace

TEST_CASE("a lock and its unlock give one sample each of enter, region and exit") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.took_ns = 300});
    recording.wait(1 * ms);
    recording.unlock(file, {.took_ns = 700});
    recording.close(file);
    const reporter::Run run = recording.read();
    REQUIRE(run.leaves.size() == 2);
    const reporter::Leaf &lock = exclusive(run, recording.path("a"));
    CHECK(lock.stack == no_index);
    CHECK(lock.first.count == 1);
    CHECK(lock.first.sum_ns == 300);
    CHECK(lock.region.count == 1);
    CHECK(lock.region.sum_ns == 1 * ms);
    CHECK(lock.wait.count == 0);
    CHECK(released(lock, Release::unlock) == 1);
    const reporter::Leaf &unlock = leaf_of(run, recording.path("a"), LeafKind::release);
    CHECK(unlock.calls == 1);
    CHECK(unlock.first.count == 1);
    CHECK(unlock.first.sum_ns == 700);
    CHECK(run.events.empty());
    CHECK(run.regions.empty());
    CHECK(run.damaged == 0);
    REQUIRE(run.processes.size() == 1);
    CHECK(run.processes[0].pid == getpid());
    CHECK(run.processes[0].attempts == 1);
    CHECK(run.processes[0].unlocks == 1);
    CHECK(run.processes[0].enter.sum_ns == 300);
    CHECK(run.processes[0].region.sum_ns == 1 * ms);
    CHECK(run.processes[0].wait.count == 0);
}

TEST_CASE("modes, families and files are counted apart") {
    Recording recording;
    const int one = recording.open("one");
    const int other = recording.open("other");
    for (const Family family : {Family::flock, Family::posix, Family::ofd}) {
        recording.attempt(one, {.family = family, .mode = Mode::shared});
        recording.unlock(one, {.family = family});
        recording.attempt(one, {.family = family, .mode = Mode::exclusive});
        recording.unlock(one, {.family = family});
        recording.attempt(other, {.family = family, .mode = Mode::exclusive});
    }
    const reporter::Run run = recording.read();
    CHECK(run.locks.size() == 6);
    for (const Family family : {Family::flock, Family::posix, Family::ofd}) {
        CHECK(shared(run, recording.path("one"), family).first.count == 1);
        CHECK(exclusive(run, recording.path("one"), family).first.count == 1);
        CHECK(exclusive(run, recording.path("other"), family).first.count == 1);
        CHECK(leaf_of(run, recording.path("one"), LeafKind::release, family).calls == 2);
    }
    CHECK(run.leaves.size() == 12);
    recording.close(one);
    recording.close(other);
}

TEST_CASE("an unlock of nothing is a call, and no sample") {
    Recording recording;
    const int file = recording.open("a");
    recording.unlock(file);
    recording.unlock(file, {.family = Family::posix});
    recording.unlock(file, {.family = Family::ofd, .range = {0, 9}});
    recording.unlock(file, {.error = ENOLCK});
    const reporter::Run run = recording.read();
    const reporter::Leaf &flock = leaf_of(run, recording.path("a"), LeafKind::release);
    CHECK(flock.calls == 2);
    CHECK(flock.first.count == 0);
    REQUIRE(flock.errors.size() == 1);
    CHECK(flock.errors[0].error == ENOLCK);
    for (const Family family : {Family::posix, Family::ofd}) {
        CHECK(leaf_of(run, recording.path("a"), LeafKind::release, family).calls == 1);
        CHECK(leaf_of(run, recording.path("a"), LeafKind::release, family).first.count == 0);
    }
    recording.close(file);
}

TEST_CASE("tests are counted with how long they took") {
    Recording recording;
    const int file = recording.open("a");
    recording.test(file, {.family = Family::posix, .took_ns = 400});
    recording.test(file, {.family = Family::posix, .error = EINVAL, .took_ns = 600});
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = leaf_of(run, recording.path("a"), LeafKind::test, Family::posix);
    CHECK(leaf.calls == 2);
    CHECK(leaf.first.sum_ns == 1'000);
    REQUIRE(leaf.errors.size() == 1);
    CHECK(leaf.errors[0].error == EINVAL);
    recording.close(file);
}

TEST_CASE("attempts are counted by how they ended") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.error = EINTR});
    recording.attempt(file, {.error = EAGAIN});
    recording.attempt(file, {.error = EDEADLK});
    for (const int error : {ENOLCK, ENOLCK, EINVAL}) {
        recording.attempt(file, {.error = error});
    }
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.first.count == 0);
    CHECK(leaf.interrupted == 1);
    CHECK(leaf.refused == 1);
    CHECK(leaf.deadlocked == 1);
    CHECK(leaf.failed == 3);
    REQUIRE(leaf.errors.size() == 2);
    for (const reporter::ErrorTally &tally : leaf.errors) {
        CHECK(tally.count == (tally.error == ENOLCK ? 2U : 1U));
    }
    CHECK(count_events(run, EventKind::failed) == 4);
    CHECK(run.processes[0].attempts == 6);
    recording.close(file);
}

TEST_CASE("beyond five kinds of errors the others are counted together") {
    Recording recording;
    const int file = recording.open("a");
    const std::vector<int> errors = {ENOLCK, EINVAL, EIO, ENOSYS, ESTALE, EPERM, ENOTSUP, EPERM, ENOLCK};
    for (const int error : errors) {
        recording.attempt(file, {.error = error});
    }
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    REQUIRE(leaf.errors.size() == record::max_leaf_errors);
    std::uint64_t sum = 0;
    for (const reporter::ErrorTally &tally : leaf.errors) {
        CAPTURE(tally.error);
        CHECK(tally.count == (tally.error == 0 ? 3U : tally.error == ENOLCK ? 2U : 1U));
        sum += tally.count;
    }
    CHECK(sum == errors.size());
    recording.close(file);
}

TEST_CASE("calls on what is no open file are counted without a lock") {
    Recording recording;
    const int file = recording.open("a");
    ::close(file);
    recording.attempt(file, {.error = EBADF});
    recording.attempt(-1, {.family = Family::posix, .error = EBADF, .range_known = false});
    recording.unlock(file, {.error = EBADF});
    recording.attempt(100'000'000, {.error = EBADF});
    const reporter::Run run = recording.read();
    CHECK(run.locks.empty());
    std::uint64_t failed = 0;
    for (const reporter::Leaf &leaf : run.leaves) {
        CHECK(leaf.lock == no_index);
        failed += leaf.failed;
    }
    CHECK(failed == 3);
    CHECK(run.lost.calls == 0); // all of them are counted
}

TEST_CASE("a distribution begins with the fourth sample and is right from the first") {
    Recording recording;
    const int file = recording.open("a");
    std::vector<std::uint64_t> held;
    std::mt19937_64 random(2);
    for (unsigned i = 1; i <= 1'000; ++i) {
        held.push_back(1 + (random() >> (30 + random() % 30)));
        recording.attempt(file);
        recording.wait(held.back());
        recording.unlock(file);
        const record::Leaf leaf = raw_leaf(recording, LeafKind::acquire_exclusive);
        REQUIRE((leaf.second.histogram != 0) == (i > record::samples_without_histogram));
    }
    const reporter::Run run = recording.read();
    const reporter::Samples &region = exclusive(run, recording.path("a")).region;
    std::uint64_t sum = 0;
    for (const std::uint64_t value : held) {
        sum += value;
    }
    CHECK(region.count == held.size());
    CHECK(region.sum_ns == sum);
    CHECK(region.last_ns == held.back());
    std::sort(held.begin(), held.end());
    CHECK(region.min_ns == held.front());
    CHECK(region.max_ns == held.back());
    for (const unsigned percent : {1U, 10U, 50U, 90U, 99U, 100U}) {
        CAPTURE(percent);
        const auto truth = static_cast<double>(held[held.size() * percent / 100 - 1]);
        CHECK(static_cast<double>(region.percentile(percent)) == Approx(truth).epsilon(1.0 / 32).margin(0));
    }
    std::uint64_t in_buckets = 0;
    const record::ArenaView view = recording.view();
    view.for_buckets(raw_leaf(recording, LeafKind::acquire_exclusive).second,
                     [&](unsigned, std::uint64_t count) { in_buckets += count; });
    CHECK(in_buckets == held.size());
    recording.close(file);
}

TEST_CASE("a call that had to wait is contended, and its wait begins where it was refused") {
    Recording recording;
    const int file = recording.open("a");
    const std::uint64_t began = recording.now();
    recording.attempt(file, {.took_ns = 5 * ms, .waited_ns = 4 * ms});
    recording.unlock(file);
    recording.attempt(file);
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.first.count == 2);
    CHECK(leaf.first.max_ns == 5 * ms);
    CHECK(leaf.wait.count == 1);
    CHECK(leaf.wait.sum_ns == 4 * ms);
    CHECK(leaf.polled == 0);
    CHECK(leaf.overshoot.count == 0);
    CHECK(run.processes[0].wait.sum_ns == 4 * ms);
    REQUIRE(count_events(run, EventKind::acquired) == 1);
    const reporter::Event &event = run.events.at(0);
    CHECK(event.attempts == 1);
    CHECK(event.end_at_ns - event.start_at_ns == static_cast<std::int64_t>(5 * ms));
    CHECK(event.start_at_ns - run.started_at_ns ==
          static_cast<std::int64_t>(began - recording.header().started.ticks));
    recording.close(file);
}

TEST_CASE("a long region is told, in case somebody waits in its first call") {
    Recording recording;
    const int file = recording.open("a");
    for (const std::uint64_t held_ns : {1 * ms, 30 * ms}) {
        recording.attempt(file);
        recording.wait(held_ns);
        recording.unlock(file);
    }
    SECTION("as long as the log is not half full") {
        const reporter::Run run = recording.read();
        REQUIRE(run.events.size() == 1);
        CHECK(run.events[0].kind == EventKind::held);
        CHECK(run.events[0].end_at_ns - run.events[0].start_at_ns == static_cast<std::int64_t>(30 * ms));
    }
    SECTION("and then without counting it as lost") {
        recording.header().event_bytes = shim::run.arena.bytes / record::event_share_divisor / 2;
        recording.attempt(file);
        recording.wait(30 * ms);
        recording.unlock(file);
        const reporter::Run run = recording.read();
        CHECK(run.events.size() == 1);
        CHECK(run.lost.events == 0);
    }
    recording.close(file);
}

TEST_CASE("a region that others were refused for is an event, another one is not") {
    Recording recording;
    const int holder = recording.open("a");
    const int other = recording.open("a");
    recording.attempt(holder);
    const std::uint64_t granted = recording.now();
    recording.wait(ms);
    recording.attempt(other, {.error = EAGAIN});
    recording.wait(ms);
    recording.unlock(holder);
    recording.attempt(holder); // after the refusal
    recording.wait(ms);
    recording.unlock(holder);
    const reporter::Run run = recording.read();
    REQUIRE(count_events(run, EventKind::held) == 1);
    const reporter::Event &event = run.events.at(0);
    CHECK(event.release == Release::unlock);
    CHECK(event.end_at_ns - event.start_at_ns == static_cast<std::int64_t>(2 * ms + 500));
    CHECK(event.start_at_ns - run.started_at_ns ==
          static_cast<std::int64_t>(granted - recording.header().started.ticks));
    CHECK(exclusive(run, recording.path("a")).region.count == 2);
    recording.close(holder);
    recording.close(other);
}
