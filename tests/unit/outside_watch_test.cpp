// Who outside a run is in the way of whom in it.
#include "reporter/cli/outside_watch.h"

#include "tests/support/arena_builder.h"

#include <catch2/catch.hpp>

using namespace flockstat;
using namespace flockstat::test;
using cli::LongWait;
using record::Family;
using record::Mode;
using reporter::KernelLock;
using reporter::KernelLocks;

namespace {

constexpr std::uint64_t long_ticks = 1'000;
constexpr std::uint64_t now_ticks = ArenaBuilder::start + 10'000;

KernelLock kernel_lock(std::int32_t pid, std::int64_t start, std::int64_t end) {
    KernelLock lock;
    lock.family = Family::posix;
    lock.mode = Mode::exclusive;
    lock.pid = pid;
    lock.device_major = 8;
    lock.device_minor = 1;
    lock.inode = 7;
    lock.range_start = start;
    lock.range_end = end;
    return lock;
}

record::ArenaView view_of(ArenaBuilder &made) { return {&made.header(), made.header().arena_bytes}; }

std::vector<std::int32_t> pids(const std::vector<KernelLock> &locks) {
    std::vector<std::int32_t> result;
    for (const KernelLock &lock : locks) {
        result.push_back(lock.pid);
    }
    return result;
}

} // namespace

TEST_CASE("waits that are long: blocked ones, first ones, and polling that goes on") {
    ArenaBuilder made;
    const record::Ref lock = made.lock("/f", Family::posix, 7);
    const record::Ref process = made.process(11, record::ProcessState::running);
    auto &block = made.get<record::ThreadBlock>(made.block(process));
    block.waiting.lock = lock;
    block.waiting.since_ticks = now_ticks - long_ticks + 1;
    const auto found = [&] { return cli::long_waits(view_of(made), now_ticks, long_ticks).size(); };
    CHECK(found() == 0); // not for long yet
    block.waiting.since_ticks = now_ticks - long_ticks;
    CHECK(found() == 1);
    made.get<record::Process>(process).first_wait.since_ticks = UINT64_MAX; // being written
    CHECK(found() == 1);
    made.get<record::Process>(process).first_wait.since_ticks = ArenaBuilder::start;
    CHECK(found() == 2);
    block.episodes[0] = {};
    block.episodes[0].lock = lock;
    block.episodes[0].first_ticks = ArenaBuilder::start;
    block.episodes[0].last_ticks = now_ticks - 10;
    CHECK(found() == 3);
    block.episodes[0].last_ticks = now_ticks - 5 * long_ticks; // given up
    CHECK(found() == 2);
    made.get<record::Process>(process).state = record::ProcessState::exited;
    CHECK(found() == 0);
}

TEST_CASE("who holds other bytes, or belongs to the run, is in nobody's way from outside") {
    ArenaBuilder made;
    const record::Ref ref = made.lock("/f", Family::posix, 7);
    made.process(11, record::ProcessState::running);
    made.process(12, record::ProcessState::exited);
    auto &lock = made.get<record::Lock>(ref);
    lock.device_major = 8;
    lock.device_minor = 1;
    KernelLocks locks;
    locks.held = {kernel_lock(50, 0, 9), kernel_lock(51, 100, 109), kernel_lock(11, 0, 9),
                  kernel_lock(12, 0, 9)};
    const auto in_the_way = [&](const LongWait &wait) {
        return pids(cli::held_outside(view_of(made), {wait}, locks));
    };
    CHECK(in_the_way({11, ref, Mode::exclusive, 0, 9}) == std::vector<std::int32_t>{50});
    CHECK(in_the_way({11, ref, Mode::exclusive, 10, 99}).empty());
    locks.held[0].mode = Mode::shared;
    CHECK(in_the_way({11, ref, Mode::shared, 0, 9}).empty());
    // Of one that is blocked the kernel knows the bytes, and in a first call the file.
    locks.held[0].mode = Mode::exclusive;
    locks.wanted = {kernel_lock(11, 105, 105)};
    CHECK(in_the_way({.pid = 11, .lock = 0, .mode = Mode::exclusive}) == std::vector<std::int32_t>{51});
    CHECK(in_the_way({.pid = 11, .lock = ref, .mode = Mode::exclusive}) == std::vector<std::int32_t>{51});
}
