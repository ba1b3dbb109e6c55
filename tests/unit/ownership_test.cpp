// Which regions begin and end, by the kernel's rules: man 2 flock, man 2 fcntl, and fs/locks.c.
#include "shim/ownership.h"
#include "shim/process_end.h"
#include "shim/process_regions.h"
#include "shim/twins.h"
#include "tests/support/forked.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::test;
using record::LeafKind;
using record::Release;
using shim::Family;
using shim::Mode;

namespace {

constexpr Call as_shared{.mode = Mode::shared};
constexpr Call refused{.error = EAGAIN};

Call posix(std::int64_t first, std::int64_t last, Mode mode = Mode::exclusive) {
    return {.family = Family::posix, .mode = mode, .range = {first, last}};
}

Call ofd(std::int64_t first, std::int64_t last, Mode mode = Mode::exclusive) {
    return {.family = Family::ofd, .mode = mode, .range = {first, last}};
}

/// Regions of exclusive locks on "a" that are over, and those that are not.
struct Regions {
    std::uint64_t over, sum_ns, open;
    friend bool operator==(const Regions &, const Regions &) = default;
};

std::ostream &operator<<(std::ostream &out, const Regions &regions) {
    return out << regions.over << " over (" << regions.sum_ns << " ns), " << regions.open << " open";
}

Regions regions_of(const Recording &recording, Family family) {
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"), family);
    return {leaf.region.count, leaf.region.sum_ns, run.regions.size()};
}

std::uint64_t flock_ends(const Recording &recording, Release how) {
    return released(exclusive(recording.read(), recording.path("a")), how);
}

} // namespace

TEST_CASE("a conversion ends the region of the old mode where it begins") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, as_shared);
    recording.wait(1 * ms);
    recording.attempt(file, {.took_ns = 10 * us, .waited_ns = 9 * us});
    recording.wait(2 * ms);
    recording.unlock(file);
    const reporter::Run run = recording.read();
    const reporter::Leaf &before = shared(run, recording.path("a"));
    CHECK(before.region.count == 1);
    CHECK(before.region.sum_ns == 1 * ms);
    CHECK(released(before, Release::converted) == 1);
    CHECK(released(before, Release::unlock) == 0);
    const reporter::Leaf &after = exclusive(run, recording.path("a"));
    CHECK(after.region.sum_ns == 2 * ms);
    CHECK(released(after, Release::unlock) == 1);
    recording.close(file);
}

TEST_CASE("asking for the mode already held is an acquisition, and no conversion") {
    Recording recording;
    const int file = recording.open("a");
    const Family family = GENERATE(Family::flock, Family::posix, Family::ofd);
    const Call call{.family = family};
    recording.attempt(file, call);
    recording.wait(1 * ms);
    recording.attempt(file, call);
    CHECK(regions_of(recording, family) == Regions{0, 0, 1});
    recording.wait(1 * ms);
    recording.unlock(file, call);
    CHECK(regions_of(recording, family) == Regions{1, 2 * ms + 500, 0});
    CHECK(exclusive(recording.read(), recording.path("a"), family).first.count == 2);
    recording.close(file);
}

TEST_CASE("a refused or interrupted conversion has lost the old flock") {
    const int error = GENERATE(EAGAIN, EINTR);
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, as_shared);
    recording.wait(1 * ms);
    recording.attempt(file, {.error = error});
    const reporter::Run run = recording.read();
    CHECK(run.regions.empty());
    CHECK(shared(run, recording.path("a")).region.sum_ns == 1 * ms);
    CHECK(released(shared(run, recording.path("a")), Release::converted) == 1);
    recording.unlock(file); // there is nothing to release any more
    CHECK(leaf_of(recording.read(), recording.path("a"), LeafKind::release).first.count == 0);
    recording.close(file);
}

TEST_CASE("what keeps the old lock") {
    Recording recording;
    const int file = recording.open("a");
    SECTION("a failed flock") {
        recording.attempt(file);
        recording.attempt(file, {.mode = Mode::shared, .error = ENOLCK});
    }
    SECTION("an interrupted request for the same mode") {
        recording.attempt(file);
        recording.attempt(file, {.error = EINTR});
    }
    SECTION("a refused conversion of a byte range") {
        recording.attempt(file, posix(0, 9));
        recording.attempt(file, {.family = Family::posix, .mode = Mode::shared, .error = EAGAIN});
    }
    CHECK(recording.read().regions.size() == 1);
    recording.close(file);
}

TEST_CASE("a flock ends with the last descriptor of its open file") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    const int second = recording.duplicate(file);
    recording.wait(1 * ms);
    recording.close(file);
    CHECK(regions_of(recording, Family::flock) == Regions{0, 0, 1});
    recording.close(second, 2 * us);
    const reporter::Run run = recording.read();
    CHECK(regions_of(recording, Family::flock) == Regions{1, 1 * ms, 0});
    CHECK(released(exclusive(run, recording.path("a")), Release::close) == 1);
    const reporter::Leaf &exit = leaf_of(run, recording.path("a"), LeafKind::release);
    CHECK(exit.calls == 0); // no unlock call
    CHECK(exit.first.count == 1);
    CHECK(exit.first.sum_ns == 2 * us);
}

TEST_CASE("a duplicate from before the first lock call keeps the lock") {
    Recording recording;
    const int file = recording.open("a");
    const int copy = dup(file);
    shim::note_twins(file, copy);
    recording.attempt(file);
    recording.close(file);
    CHECK(regions_of(recording, Family::flock) == Regions{0, 0, 1});
    recording.wait(1 * ms);
    recording.close(copy);
    CHECK(regions_of(recording, Family::flock) == Regions{1, 1 * ms, 0});
}

TEST_CASE("a duplicate that nobody saw being made is the same owner") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    const int copy = dup(file);
    recording.wait(1 * ms);
    recording.unlock(copy);
    CHECK(regions_of(recording, Family::flock) == Regions{1, 1 * ms, 0});
    recording.close(copy);
    recording.close(file);
}

TEST_CASE("a duplicate may unlock") {
    Recording recording;
    const int file = recording.open("a");
    const Family family = GENERATE(Family::flock, Family::ofd);
    recording.attempt(file, {.family = family});
    const int copy = recording.duplicate(file);
    recording.wait(1 * ms);
    recording.unlock(copy, {.family = family});
    CHECK(regions_of(recording, family) == Regions{1, 1 * ms, 0});
    recording.close(file);
    recording.close(copy);
}

TEST_CASE("a descriptor that is duplicated onto loses what it was") {
    Recording recording;
    const int file = recording.open("a");
    const int other = recording.open("b");
    recording.attempt(file);
    recording.attempt(other);
    REQUIRE(dup2(other, file) == file);
    shim::Operation operation;
    operation.deed = shim::Deed::duplicate;
    operation.descriptor = other;
    operation.other = file;
    operation.start_ticks = operation.end_ticks = recording.now();
    apply(operation);
    const reporter::Run run = recording.read();
    CHECK(released(exclusive(run, recording.path("a")), Release::close) == 1);
    CHECK(run.regions.size() == 1);
    recording.unlock(file);
    CHECK(released(exclusive(recording.read(), recording.path("b")), Release::unlock) == 1);
    recording.close(file);
    recording.close(other);
}

TEST_CASE("two open files of one file hold apart") {
    Recording recording;
    const int one = recording.open("a");
    const int other = recording.open("a");
    recording.attempt(one, as_shared);
    recording.attempt(other, as_shared);
    CHECK(recording.read().regions.size() == 2);
    recording.unlock(one);
    CHECK(recording.read().regions.size() == 1);
    recording.close(other);
    const reporter::Leaf leaf = shared(recording.read(), recording.path("a"));
    CHECK(released(leaf, Release::unlock) == 1);
    CHECK(released(leaf, Release::close) == 1);
    recording.close(one);
}

TEST_CASE("closing any descriptor of the file drops the process's posix locks") {
    Recording recording;
    const int file = recording.open("a");
    const int stranger = recording.open("a");
    recording.attempt(file, posix(0, 9));
    recording.attempt(file, posix(20, 29, Mode::shared));
    recording.attempt(file, ofd(40, 49));
    recording.attempt(file);
    recording.wait(1 * ms);
    const bool known = GENERATE(true, false);
    if (known) {
        recording.test(stranger, posix(0, 0));
    }
    recording.close(stranger);
    const reporter::Run run = recording.read();
    CHECK(released(exclusive(run, recording.path("a"), Family::posix), Release::close) == 1);
    CHECK(released(shared(run, recording.path("a"), Family::posix), Release::close) == 1);
    CHECK(run.regions.size() == 2); // those of the open file stay
    CHECK(shim::files_with_posix_locks == 0);
    recording.close(file);
}

TEST_CASE("closing another file, or a descriptor for its path only, drops nothing") {
    Recording recording;
    const int file = recording.open("a");
    const int other = recording.open("b");
    const int path_only = open(recording.path("a").c_str(), O_PATH | O_CLOEXEC);
    recording.attempt(file, posix(0, 9));
    recording.close(other);
    recording.close(path_only);
    CHECK(regions_of(recording, Family::posix) == Regions{0, 0, 1});
    recording.close(file);
}

TEST_CASE("a range's region ends when its last byte is gone") {
    const Family family = GENERATE(Family::posix, Family::ofd);
    Recording recording;
    const int file = recording.open("a");
    Call call{.family = family, .range = {0, 99}};
    recording.attempt(file, call);
    for (const shim::Range hole : {shim::Range{40, 59}, shim::Range{0, 9}, shim::Range{90, 200}}) {
        recording.wait(1 * ms);
        call.range = hole;
        recording.unlock(file, call);
        CHECK(regions_of(recording, family) == Regions{0, 0, 1});
    }
    const reporter::Region left = recording.read().regions.at(0);
    CHECK(left.range_start == 10);
    CHECK(left.range_end == 89);
    recording.wait(1 * ms);
    call.range = {0, INT64_MAX};
    recording.unlock(file, call);
    CHECK(regions_of(recording, family) == Regions{1, 4 * ms + 3 * 500, 0});
    // Each of these calls released something.
    CHECK(leaf_of(recording.read(), recording.path("a"), LeafKind::release, family).first.count == 4);
    recording.close(file);
}

TEST_CASE("a range that is replaced bit by bit ends converted") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, posix(0, 9));
    recording.wait(1 * ms);
    recording.attempt(file, posix(0, 4, Mode::shared));
    CHECK(recording.read().regions.size() == 2);
    recording.wait(1 * ms);
    recording.attempt(file, posix(0, 19, Mode::shared));
    const reporter::Run run = recording.read();
    CHECK(released(exclusive(run, recording.path("a"), Family::posix), Release::converted) == 1);
    CHECK(exclusive(run, recording.path("a"), Family::posix).region.sum_ns == 2 * ms + 500);
    CHECK(run.regions.size() == 2);
    recording.unlock(file, posix(0, INT64_MAX));
    CHECK(released(shared(recording.read(), recording.path("a"), Family::posix), Release::unlock) == 2);
    recording.close(file);
}

TEST_CASE("a range that could not be read opens no region") {
    Recording recording;
    const int file = recording.open("a");
    Call call = posix(0, 9);
    call.range_known = false;
    recording.attempt(file, call);
    CHECK(regions_of(recording, Family::posix) == Regions{0, 0, 0});
    recording.attempt(file, posix(0, 9));
    recording.unlock(file, call);
    CHECK(regions_of(recording, Family::posix) == Regions{0, 0, 1});
    recording.close(file);
}

TEST_CASE("a close that nobody saw is found out, and its region has no known end") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.wait(5 * ms);
    recording.test(file); // known to be held until here, at most
    REQUIRE(close(file) == 0);
    const int other = recording.open("b");
    REQUIRE(other == file);
    recording.wait(20 * ms);
    recording.attempt(other);
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.region.count == 0);
    CHECK(released(leaf, Release::unknown) == 1);
    CHECK(leaf.held_open_ns <= 5 * ms + 500);
    CHECK(exclusive(run, recording.path("b")).first.count == 1);
    CHECK(run.regions.size() == 1);
    recording.close(other);
}

TEST_CASE("a descriptor whose close was missed stands for nothing that it was before") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.unlock(file);
    REQUIRE(close(file) == 0);
    const int other = recording.open("b");
    REQUIRE(other == file);
    shim::miss_close(other);
    recording.attempt(other);
    const reporter::Run run = recording.read();
    CHECK(exclusive(run, recording.path("a")).first.count == 1);
    CHECK(exclusive(run, recording.path("b")).first.count == 1);
    recording.close(other);
}

TEST_CASE("a file that is opened again after a close that was missed is locked anew") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.wait(1 * ms);
    shim::miss_close(file);
    REQUIRE(close(file) == 0);
    const int again = recording.open("a");
    REQUIRE(again == file);
    SECTION("and unlocked") {
        recording.attempt(again);
        recording.wait(2 * ms);
        recording.unlock(again);
        CHECK(regions_of(recording, Family::flock) == Regions{1, 2 * ms, 0});
        CHECK(flock_ends(recording, Release::unknown) == 1);
    }
    SECTION("and converted to nothing") {
        recording.attempt(again, {.mode = shim::Mode::shared});
        CHECK(flock_ends(recording, Release::converted) == 0);
        CHECK(flock_ends(recording, Release::unknown) == 1);
    }
    SECTION("or not, until the process ends") {
        shim::inside_bookkeeping(*shim::existing_thread_state(), [](shim::ThreadState &thread) {
            shim::end_all_at_exit(thread, shim::now_ticks());
        });
        CHECK(flock_ends(recording, Release::exit) == 0);
        CHECK(flock_ends(recording, Release::unknown) == 1);
    }
    recording.close(again);
}

TEST_CASE("a lock may be released by another thread") {
    Recording recording;
    const int file = recording.open("a");
    const Family family = GENERATE(Family::flock, Family::posix, Family::ofd);
    recording.attempt(file, {.family = family});
    recording.wait(1 * ms);
    std::thread([&] { recording.unlock(file, {.family = family}); }).join();
    CHECK(regions_of(recording, family) == Regions{1, 1 * ms, 0});
    recording.close(file);
}

TEST_CASE("the process's end ends all that it holds") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.attempt(file, posix(0, 9));
    recording.attempt(file, ofd(20, 29));
    shim::end_process(3);
    const reporter::Run run = recording.read();
    CHECK(run.regions.empty());
    for (const Family family : {Family::flock, Family::posix, Family::ofd}) {
        CHECK(released(exclusive(run, recording.path("a"), family), Release::exit) == 1);
    }
    CHECK(run.processes.at(0).ending == reporter::Ending::exited);
    CHECK(run.processes.at(0).status == 3);
    CHECK(run.processes.at(0).attempts == 3);
    recording.close(file);
}

TEST_CASE("a child has its parent's open files, but not its posix locks, and counts neither again") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.attempt(file, posix(0, 9));
    recording.wait(1 * ms);
    SECTION("that does nothing") {
        CHECK(Forked([&] {
                  recording.attempt(recording.open("b"));
                  return 0;
              }).wait() == 0);
        CHECK(recording.read().regions.size() == 3); // the child was not seen to end its own
    }
    SECTION("that unlocks what it shares, and what it does not") {
        CHECK(Forked([&] {
                  recording.unlock(file, posix(0, 9));
                  recording.unlock(file);
                  shim::end_process(0);
                  return 0;
              }).wait() == 0);
        const reporter::Run run = recording.read();
        CHECK(exclusive(run, recording.path("a")).region.count == 1);
        CHECK(exclusive(run, recording.path("a"), Family::posix).region.count == 0);
        CHECK(leaf_of(run, recording.path("a"), LeafKind::release, Family::posix).first.count == 0);
        CHECK(run.regions.size() == 1);
    }
    SECTION("that locks bytes of its own") {
        CHECK(Forked([&] {
                  recording.attempt(file, posix(5, 14));
                  recording.wait(3 * ms);
                  recording.unlock(file, posix(0, INT64_MAX));
                  return 0;
              }).wait() == 0);
        CHECK(regions_of(recording, Family::posix) == Regions{1, 3 * ms, 2});
    }
    recording.wait(1 * ms);
    recording.unlock(file, posix(0, 9));
    recording.unlock(file);
    CHECK(released(exclusive(recording.read(), recording.path("a")), Release::unlock) == 1);
    CHECK(recording.read().regions.size() <= 1);
    recording.close(file);
}
