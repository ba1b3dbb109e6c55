// The blocks of threads: one thread's at a time, handed on when their thread or process ends, and never
// counted twice.
#include "shim/process_end.h"
#include "tests/support/forked.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace flockstat;
using namespace flockstat::test;
using record::EventKind;
using record::LeafKind;
using record::Release;
using shim::Family;

namespace {

constexpr Call refused{.error = EAGAIN};
constexpr Call failed{.error = ENOLCK};

std::size_t block_count(const Recording &recording) {
    std::size_t count = 0;
    recording.view().for_chain<record::ThreadBlock>(
        recording.header().blocks, [&](record::Ref, const record::ThreadBlock &) { ++count; });
    return count;
}

std::size_t free_block_count(const Recording &recording) {
    std::size_t count = 0;
    record::ThreadBlock block;
    auto ref = static_cast<record::Ref>(recording.header().free_blocks);
    for (; recording.view().copy(ref, &block); ref = block.next_free) {
        ++count;
    }
    return count;
}

/// A process that does `deed` and ends as programs do.
template<typename Deed>
void in_child(Deed deed) {
    Forked child([&] {
        deed();
        shim::end_process(0);
        return 0;
    });
    REQUIRE(child.wait() == 0);
}

/// A thread that does `deed` and ends.
template<typename Deed>
void in_thread(Deed deed) {
    std::thread(deed).join();
}

} // namespace

TEST_CASE("threads one after the other write one block, each under its own name") {
    Recording recording;
    const int file = recording.open("a");
    std::set<std::int32_t> threads;
    for (int i = 0; i < 5; ++i) {
        in_thread([&] {
            recording.attempt(file);
            threads.insert(recording.read().regions.at(0).thread == gettid() ? i : -1);
            recording.unlock(file);
        });
    }
    CHECK(threads == std::set<std::int32_t>{0, 1, 2, 3, 4});
    CHECK(block_count(recording) == 1);
    const reporter::Run run = recording.read();
    CHECK(run.threads == 5);
    CHECK(run.processes.at(0).threads == 5);
    CHECK(run.processes.at(0).attempts == 5);
    CHECK(run.leaves.size() == 2);
    CHECK(exclusive(run, recording.path("a")).first.count == 5);
    recording.close(file);
}

TEST_CASE("a thread that runs on keeps its block when the process ends") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file); // the main thread's
    in_thread([&] { recording.attempt(file); });
    std::atomic<int> stage = 0;
    std::thread second([&] { // has the block of the thread before
        recording.attempt(file);
        stage = 1;
        while (stage != 2) {
            std::this_thread::yield();
        }
        recording.attempt(file);
    });
    while (stage != 1) {
        std::this_thread::yield();
    }
    CHECK(block_count(recording) == 2);
    shim::end_process(0);
    CHECK(free_block_count(recording) == 1);
    stage = 2;
    second.join();
    const reporter::Run run = recording.read();
    CHECK(exclusive(run, recording.path("a")).first.count == 4);
    CHECK(run.processes.at(0).attempts == 4);
    recording.close(file);
}

TEST_CASE("processes one after the other write one block, and are told apart") {
    Recording recording;
    constexpr unsigned processes = 30;
    std::uint64_t room_then = 0;
    for (unsigned i = 0; i < processes; ++i) {
        in_child([&] {
            const int file = recording.open("a");
            for (unsigned call = 0; call <= i; ++call) {
                recording.attempt(file, {.took_ns = 100});
                recording.wait(1 * ms);
                recording.unlock(file);
            }
            recording.attempt(file, failed);
            recording.close(file);
        });
        room_then = i == 0 ? recording.header().heap_next : room_then;
    }
    CHECK(block_count(recording) == 1);
    CHECK(free_block_count(recording) == 1);
    CHECK(recording.header().heap_next - room_then < processes * 1'000);
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(run.leaves.size() == 2);
    CHECK(leaf.first.count == processes * (processes + 1) / 2);
    CHECK(leaf.first.sum_ns == leaf.first.count * 100);
    CHECK(leaf.region.sum_ns == leaf.first.count * ms);
    CHECK(leaf.failed == processes);
    CHECK(count_events(run, EventKind::failed) == processes);
    REQUIRE(run.processes.size() == processes);
    std::set<std::uint64_t> attempts;
    for (const reporter::Process &process : run.processes) {
        attempts.insert(process.attempts);
        CHECK(process.attempts == process.unlocks + 1);
        CHECK(process.enter.count == process.unlocks);
        CHECK(process.region.sum_ns == process.unlocks * ms);
        CHECK(process.ending == reporter::Ending::exited);
        CHECK(process.status == 0);
    }
    CHECK(attempts.size() == processes);
    for (const reporter::Event &event : run.events) {
        CHECK(event.process < processes);
    }
}

TEST_CASE("calls after the process's end go on elsewhere than its block, which is another's") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, failed);
    shim::end_process(0);
    CHECK(Forked([&] { // takes the block, and does not give it back
              recording.attempt(file, failed);
              recording.attempt(file, failed);
              return 0;
          })
              .wait() == 0);
    recording.attempt(file, failed);
    const reporter::Run run = recording.read();
    CHECK(block_count(recording) == 2);
    CHECK(exclusive(run, recording.path("a")).failed == 4);
    CHECK(count_events(run, EventKind::failed) == 4);
    recording.close(file);
}

TEST_CASE("what is held goes on being held over exec, whoever gets the block") {
    Recording recording;
    CHECK(Forked([&] {
              recording.attempt(recording.open("a"));
              shim::begin_exec();
              return 0;
          }).wait() == 0);
    CHECK(recording.read().processes.at(0).ending == reporter::Ending::execed);
    in_child([&] {
        const int file = recording.open("b");
        for (std::int64_t i = 0; i < 40; ++i) {
            recording.attempt(file, {.family = Family::ofd, .range = {2 * i, 2 * i}});
        }
        recording.unlock(file, {.family = Family::ofd});
    });
    CHECK(block_count(recording) == 1);
    const reporter::Run run = recording.read();
    REQUIRE(run.regions.size() == 1);
    CHECK(run.locks.at(run.regions[0].lock).path == recording.path("a"));
    CHECK(exclusive(run, recording.path("b"), Family::ofd).region.count == 40);
}

TEST_CASE("what was polled for before exec is abandoned") {
    Recording recording;
    CHECK(Forked([&] {
              recording.attempt(recording.open("a"), refused);
              shim::begin_exec();
              return 0;
          }).wait() == 0);
    in_child([&] { recording.attempt(recording.open("b")); }); // has the block now
    const reporter::Run run = recording.read();
    CHECK(exclusive(run, recording.path("a")).abandoned == 1);
    CHECK(run.episodes.empty());
}

TEST_CASE("after an exec that failed all goes on") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.wait(1 * ms);
    shim::begin_exec();
    shim::exec_failed();
    recording.wait(1 * ms);
    recording.unlock(file);
    recording.attempt(file);
    const reporter::Run run = recording.read();
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.first.count == 2);
    CHECK(leaf.region.count == 1);
    CHECK(leaf.region.sum_ns == 2 * ms);
    CHECK(run.regions.size() == 1);
    CHECK(run.processes.size() == 1);
    CHECK(run.processes.at(0).ending == reporter::Ending::running);
    CHECK(run.processes.at(0).attempts == 2);
    CHECK(run.processes.at(0).enter.count == 2);
    CHECK(run.processes.at(0).region.count == 1);
    recording.close(file);
}

TEST_CASE("many threads of many processes at once lose nothing") {
    Recording recording(16);
    constexpr unsigned waves = 3, processes = 4, threads = 3, calls = 200;
    for (unsigned wave = 0; wave < waves; ++wave) {
        std::vector<Forked> children;
        for (unsigned process = 0; process < processes; ++process) {
            children.emplace_back([&] {
                std::vector<std::thread> running;
                for (unsigned thread = 0; thread < threads; ++thread) {
                    running.emplace_back([&] {
                        shim::Operation operation; // not the recording's clock: that is one thread's
                        operation.descriptor = recording.open("a");
                        for (unsigned call = 0; call < calls; ++call) {
                            operation.start_ticks = recording.now() + call * 1'000;
                            operation.end_ticks = operation.start_ticks + 10;
                            operation.deed = shim::Deed::attempt;
                            apply(operation);
                            operation.deed = shim::Deed::unlock;
                            apply(operation);
                        }
                    });
                }
                for (std::thread &thread : running) {
                    thread.join();
                }
                shim::end_process(0);
                return 0;
            });
        }
        for (Forked &child : children) {
            REQUIRE(child.wait() == 0);
        }
    }
    const reporter::Run run = recording.read();
    constexpr std::uint64_t all = std::uint64_t{waves} * processes * threads * calls;
    const reporter::Leaf &leaf = exclusive(run, recording.path("a"));
    CHECK(leaf.first.count == all);
    CHECK(leaf.first.sum_ns == all * 10);
    CHECK(leaf.region.count == all);
    CHECK(leaf_of(run, recording.path("a"), LeafKind::release).calls == all);
    CHECK(run.locks.size() == 1);
    CHECK(run.regions.empty());
    CHECK(run.damaged == 0);
    CHECK(run.lost.calls == 0);
    CHECK(run.threads == std::uint64_t{waves} * processes * threads);
    CHECK(block_count(recording) <= processes * threads);
    REQUIRE(run.processes.size() == waves * processes);
    for (const reporter::Process &process : run.processes) {
        CHECK(process.attempts == threads * calls);
        CHECK(process.enter.count == threads * calls);
        CHECK(process.region.count == threads * calls);
    }
}
