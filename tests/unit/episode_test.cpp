// Polls that belong together: which refused attempts are one acquisition with the granted one, and which were
// given up.
#include "tests/support/forked.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <thread>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::test;
using record::EventKind;
using shim::Family;
using shim::Mode;
using shim::Range;

namespace {

/// What is not told apart from "nothing of the kind happened".
struct Polls {
    std::uint64_t acquisitions, polled, refused, abandoned, abandoned_ns, open;
    friend bool operator==(const Polls &, const Polls &) = default;
};

std::ostream &operator<<(std::ostream &out, const Polls &polls) {
    return out << polls.acquisitions << " acquisitions, " << polls.polled << " polled, " << polls.refused
               << " refused, " << polls.abandoned << " abandoned for " << polls.abandoned_ns << " ns, "
               << polls.open << " open";
}

/// Of all locks, modes and families.
Polls polls_of(const reporter::Run &run) {
    Polls all{};
    all.open = run.episodes.size();
    for (const reporter::Leaf &leaf : run.leaves) {
        if (leaf.kind == record::LeafKind::acquire_shared ||
            leaf.kind == record::LeafKind::acquire_exclusive) {
            all.acquisitions += leaf.first.count;
            all.polled += leaf.polled;
            all.refused += leaf.refused;
            all.abandoned += leaf.abandoned;
            all.abandoned_ns += leaf.abandoned_ns;
        }
    }
    return all;
}

constexpr Call refused{.error = EAGAIN, .took_ns = 1 * us};

} // namespace

TEST_CASE("refused attempts and the granted one are one acquisition") {
    Recording recording;
    const int file = recording.open("a");
    const std::uint64_t began = recording.now();
    for (int i = 0; i < 3; ++i) {
        recording.attempt(file, refused);
        recording.wait(50 * ms);
    }
    recording.attempt(file);
    const std::uint64_t waited = recording.now() - began;
    recording.attempt(file); // asks for what it has
    const reporter::Run run = recording.read();
    CHECK(polls_of(run) == Polls{2, 1, 3, 0, 0, 0});
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.first.max_ns == waited);
    CHECK(leaf.first.min_ns == 500);
    CHECK(leaf.wait.count == 1);
    CHECK(leaf.wait.sum_ns == waited);
    CHECK(leaf.overshoot.count == 0);
    REQUIRE(count_events(run, EventKind::acquired) == 1);
    CHECK(run.events.at(0).attempts == 4);
    CHECK(run.events.at(0).end_at_ns - run.events.at(0).start_at_ns == static_cast<std::int64_t>(waited));
    recording.close(file);
}

TEST_CASE("a poll that ends in a blocking call waits from its first refusal") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, refused);
    recording.wait(10 * ms);
    recording.attempt(file, {.took_ns = 5 * ms, .waited_ns = 4 * ms});
    const reporter::Leaf leaf = exclusive(recording.read(), recording.path("a"));
    CHECK(leaf.wait.count == 1);
    CHECK(leaf.wait.sum_ns == 15 * ms + 1 * us);
    CHECK(leaf.polled == 1);
    recording.close(file);
}

TEST_CASE("interrupted attempts are stitched, but are no polls") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.error = EINTR, .took_ns = 100 * ms, .waited_ns = 99 * ms});
    recording.wait(1 * ms);
    recording.attempt(file, {.took_ns = 2 * ms, .waited_ns = 1 * ms});
    const reporter::Leaf leaf = exclusive(recording.read(), recording.path("a"));
    CHECK(leaf.first.sum_ns == 103 * ms);
    CHECK(leaf.wait.sum_ns == 103 * ms);
    CHECK(leaf.interrupted == 1);
    CHECK(leaf.polled == 0);
    recording.close(file);
}

TEST_CASE("a file that is closed and opened again between polls is the same") {
    Recording recording;
    for (int i = 0; i < 3; ++i) {
        const int file = recording.open("a");
        recording.attempt(file, refused);
        recording.close(file);
        recording.wait(50 * ms);
    }
    const int file = recording.open("a");
    recording.attempt(file);
    CHECK(polls_of(recording.read()) == Polls{1, 1, 3, 0, 0, 0});
    recording.close(file);
}

TEST_CASE("a file that was replaced between polls is the same by its path") {
    Recording recording;
    const int before = recording.open("a");
    recording.attempt(before, refused);
    recording.close(before);
    const int after = recording.open("b"); // while the old one is there, so that it is another inode
    std::filesystem::rename(recording.path("b"), recording.path("a"));
    recording.wait(50 * ms);
    recording.attempt(after);
    const reporter::Run run = recording.read();
    CHECK(polls_of(run) == Polls{1, 1, 1, 0, 0, 0});
    CHECK(run.locks.size() == 2); // but two files
    recording.close(after);
}

TEST_CASE("a file that was renamed between polls is the same by what it is") {
    Recording recording;
    const int before = recording.open("a");
    recording.attempt(before, refused);
    std::filesystem::rename(recording.path("a"), recording.path("b"));
    const int after = recording.open("b");
    recording.attempt(after);
    CHECK(polls_of(recording.read()) == Polls{1, 1, 1, 0, 0, 0});
    recording.close(before);
    recording.close(after);
}

TEST_CASE("what is asked for otherwise is another acquisition") {
    Recording recording;
    const int file = recording.open("a");
    const int other = recording.open("b");
    const Call asked{.family = Family::posix, .mode = Mode::shared, .range = {10, 19}, .error = EAGAIN};
    recording.attempt(file, asked);
    Call granted = asked;
    granted.error = 0;
    SECTION("another range") { granted.range = {10, 18}; }
    SECTION("another mode") { granted.mode = Mode::exclusive; }
    SECTION("another family") { granted.family = Family::ofd; }
    SECTION("another file") {
        recording.attempt(other, granted);
        CHECK(polls_of(recording.read()) == Polls{1, 0, 1, 0, 0, 1});
        granted.range = {0, 0};
    }
    recording.attempt(file, granted);
    const Polls polls = polls_of(recording.read());
    CHECK(polls.polled == 0);
    CHECK(polls.open == 1);
    granted = asked;
    granted.error = 0;
    recording.attempt(file, granted); // the first one goes on all the same
    CHECK(polls_of(recording.read()).polled == 1);
    CHECK(polls_of(recording.read()).open == 0);
    recording.close(file);
    recording.close(other);
}

TEST_CASE("another thread's polls are its own") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, refused);
    std::thread([&] { recording.attempt(file); }).join();
    CHECK(polls_of(recording.read()) == Polls{1, 0, 1, 0, 0, 1});
    recording.attempt(file);
    CHECK(polls_of(recording.read()) == Polls{2, 1, 1, 0, 0, 0});
    recording.close(file);
}

TEST_CASE("a retry within five seconds goes on, a later one begins anew") {
    Recording recording;
    const int file = recording.open("a");
    const std::uint64_t began = recording.now();
    recording.attempt(file, refused);
    const std::uint64_t waited = recording.now() - began;
    SECTION("granted in time") {
        recording.wait(5 * s);
        recording.attempt(file);
        CHECK(polls_of(recording.read()) == Polls{1, 1, 1, 0, 0, 0});
    }
    SECTION("granted too late") {
        recording.wait(5 * s + 1);
        recording.attempt(file);
        const reporter::Run run = recording.read();
        CHECK(polls_of(run) == Polls{1, 0, 1, 1, waited, 0});
        CHECK(exclusive(run, recording.path("a")).first.sum_ns == 500);
        CHECK(exclusive(run, recording.path("a")).wait.count == 0);
        CHECK(count_events(run, EventKind::abandoned) == 1);
        CHECK(count_events(run, EventKind::acquired) == 0);
    }
    SECTION("refused too late") {
        recording.wait(5 * s + 1);
        recording.attempt(file, refused);
        CHECK(polls_of(recording.read()) == Polls{0, 0, 2, 1, waited, 1});
        recording.wait(1 * s);
        recording.attempt(file);
        const reporter::Run run = recording.read();
        CHECK(polls_of(run) == Polls{1, 1, 2, 1, waited, 0});
        CHECK(exclusive(run, recording.path("a")).first.sum_ns == 1 * s + 1 * us + 500);
    }
    SECTION("never retried") {
        const int other = recording.open("b");
        recording.wait(6 * s);
        recording.attempt(other, refused); // any call notices
        CHECK(polls_of(recording.read()) == Polls{0, 0, 2, 1, waited, 1});
        recording.close(other);
    }
    recording.close(file);
}

TEST_CASE("who polls rarely is waited for longer") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, refused);
    recording.wait(4 * s);
    recording.attempt(file, refused); // so up to 80 s now
    SECTION("in time") {
        recording.wait(80 * s);
        recording.attempt(file);
        CHECK(polls_of(recording.read()) == Polls{1, 1, 2, 0, 0, 0});
    }
    SECTION("too late") {
        recording.wait(81 * s);
        recording.attempt(file);
        CHECK(polls_of(recording.read()) == Polls{1, 0, 2, 1, 4 * s + 2 * us, 0});
    }
    recording.close(file);
}

TEST_CASE("polls of a thread that ends are abandoned") {
    Recording recording;
    const int file = recording.open("a");
    std::thread([&] {
        recording.attempt(file, refused);
        recording.wait(50 * ms);
        recording.attempt(file, refused);
    }).join();
    const reporter::Run run = recording.read();
    CHECK(polls_of(run) == Polls{0, 0, 2, 1, 50 * ms + 2 * us, 0});
    REQUIRE(count_events(run, EventKind::abandoned) == 1);
    CHECK(run.events.at(0).attempts == 2);
    CHECK(run.events.at(0).end_at_ns - run.events.at(0).start_at_ns ==
          static_cast<std::int64_t>(50 * ms + 2 * us));
    recording.close(file);
}

TEST_CASE("polls of a process that was killed are still there") {
    Recording recording;
    const int file = recording.open("a");
    Forked child([&] {
        recording.attempt(file, refused);
        return 0; // without a word to anybody
    });
    REQUIRE(child.wait() == 0);
    const reporter::Run run = recording.read();
    CHECK(polls_of(run) == Polls{0, 0, 1, 0, 0, 1});
    CHECK(run.processes.at(run.episodes.at(0).process).pid != getpid());
    recording.close(file);
}

TEST_CASE("of more polls at once than there are places the oldest is given up") {
    Recording recording;
    constexpr unsigned everything = record::max_episodes + 1;
    std::vector<int> files;
    for (unsigned i = 0; i < everything; ++i) {
        files.push_back(recording.open(std::to_string(i)));
        recording.attempt(files.back(), refused);
        recording.wait(1 * ms);
    }
    const reporter::Run run = recording.read();
    CHECK(polls_of(run) == Polls{0, 0, everything, 1, 1 * us, record::max_episodes});
    CHECK(exclusive(run, recording.path("0")).abandoned == 1);
    for (const int file : files) {
        recording.attempt(file);
    }
    CHECK(polls_of(recording.read()) == Polls{everything, everything - 1, everything, 1, 1 * us, 0});
    for (const int file : files) {
        recording.close(file);
    }
}

TEST_CASE("what polling itself added is counted from the release on") {
    Recording recording;
    const int holder = recording.open("a");
    const int poller = recording.open("a");
    recording.attempt(holder);
    std::uint64_t freed = 0;
    std::thread([&] {
        recording.attempt(poller, refused);
        recording.wait(20 * ms);
        recording.unlock(holder, {.took_ns = 3 * us});
        freed = recording.now() - 3 * us; // the start of the call that releases
        recording.wait(30 * ms);
        recording.attempt(poller);
    }).join();
    const std::uint64_t overshoot = recording.now() - freed;
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.polled == 1);
    CHECK(leaf.overshoot.count == 1);
    CHECK(leaf.overshoot.sum_ns == overshoot);
    CHECK(count_events(run, EventKind::held) == 1);
    recording.close(holder);
    recording.close(poller);
}

TEST_CASE("a release before the episode adds nothing to it") {
    Recording recording;
    const int holder = recording.open("a");
    const int poller = recording.open("a");
    recording.attempt(holder);
    recording.attempt(poller, refused); // given up for long when it is granted below
    recording.unlock(holder);
    recording.wait(6 * s);
    recording.attempt(poller, refused); // somebody outside the run has it
    recording.wait(50 * ms);
    recording.attempt(poller);
    const reporter::Leaf leaf = exclusive(recording.read(), recording.path("a"));
    CHECK(leaf.polled == 1);
    CHECK(leaf.overshoot.count == 0);
    recording.close(holder);
    recording.close(poller);
}
