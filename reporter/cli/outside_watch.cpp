#include "reporter/cli/outside_watch.h"

#include "reporter/analyze/outside_holders.h"
#include "reporter/cli/joined.h"
#include "reporter/cli/signal_free_thread.h"
#include "reporter/record/clock.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>

namespace flockstat::cli {
namespace {

using reporter::KernelLock;
using reporter::KernelLocks;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_interval{100};
constexpr int rest_for_work = 50; ///< a look takes at most a fiftieth of the time

/// What a wait is for, as the kernel names it: it lists those that are blocked, and knows their bytes. Who
/// polls is in no list of the kernel.
std::vector<KernelLock> wanted_by(const record::ArenaView &arena, const LongWait &wait,
                                  const KernelLocks &locks) {
    record::Lock lock;
    const bool known = wait.lock != 0 && arena.copy(wait.lock, &lock);
    std::vector<KernelLock> all;
    std::ranges::copy_if(locks.wanted, std::back_inserter(all), [&](const KernelLock &wanted) {
        return wanted.pid == wait.pid && (!known || wanted.inode == lock.inode);
    });
    if (known && all.empty()) {
        KernelLock wanted = reporter::as_kernel_lock(lock, wait.mode);
        wanted.range_start = wait.range_start;
        wanted.range_end = wait.range_end;
        all.push_back(wanted);
    }
    return all;
}

} // namespace

std::vector<LongWait> long_waits(const record::ArenaView &arena, std::uint64_t now_ticks,
                                 std::uint64_t long_ticks) {
    std::vector<LongWait> waits;
    const auto is_long = [&](std::uint64_t since_ticks) {
        return since_ticks != 0 && since_ticks < now_ticks && now_ticks - since_ticks >= long_ticks;
    };
    arena.for_table<record::Process>(
        arena.header().process_heads, [&](record::Ref, const record::Process &process) {
            if (process.state == record::ProcessState::running && is_long(process.first_wait.since_ticks)) {
                waits.push_back(
                    {.pid = process.pid, .lock = process.first_wait.lock, .mode = process.first_wait.mode});
            }
        });
    const auto read = [&](record::Ref, const record::ThreadBlock &block) {
        record::Process process;
        if (block.process == 0 || !arena.copy(block.process, &process) || block.epoch != process.epoch ||
            process.state != record::ProcessState::running) {
            return;
        }
        if (is_long(block.waiting.since_ticks)) {
            waits.push_back({.pid = process.pid, .lock = block.waiting.lock, .mode = block.waiting.mode});
        }
        for (const record::Episode &episode : block.episodes) {
            // One that was given up goes on in the arena: it was tried again lately where it is none.
            if (is_long(episode.first_ticks) &&
                now_ticks < episode.last_ticks + long_ticks + 2 * episode.longest_gap_ticks) {
                waits.push_back(
                    {process.pid, episode.lock, episode.mode, episode.range_start, episode.range_end});
            }
        }
    };
    arena.for_chain<record::ThreadBlock>(arena.header().blocks, read);
    return waits;
}

std::vector<KernelLock> held_outside(const record::ArenaView &arena, const std::vector<LongWait> &waits,
                                     const KernelLocks &locks) {
    std::set<std::int32_t> inside;
    arena.for_table<record::Process>(
        arena.header().process_heads,
        [&](record::Ref, const record::Process &process) { inside.insert(process.pid); });
    std::set<std::size_t> found;
    for (const LongWait &wait : waits) {
        for (const KernelLock &wanted : wanted_by(arena, wait, locks)) {
            for (std::size_t i = 0; i < locks.held.size(); ++i) {
                if (reporter::is_in_the_way(locks.held[i], wanted) && inside.count(locks.held[i].pid) == 0) {
                    found.insert(i);
                }
            }
        }
    }
    std::vector<KernelLock> held;
    for (const std::size_t i : found) {
        held.push_back(locks.held[i]);
    }
    return held;
}

OutsideWatch::OutsideWatch(const record::Mapping &arena)
    : arena_(arena), thread_(start_signal_free_thread([this](const std::stop_token &stop) { watch(stop); })) {
}

void OutsideWatch::watch(const std::stop_token &stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    steady_clock::duration rest = look_interval;
    try {
        while (!never.wait_for(lock, stop, rest, [&] { return stop.stop_requested(); })) {
            const auto start = steady_clock::now();
            look();
            rest = std::max<steady_clock::duration>(look_interval,
                                                    rest_for_work * (steady_clock::now() - start));
        }
    } catch (const std::exception &) { // no memory: the run goes on, and nobody outside is seen any more
    }
}

void OutsideWatch::look() {
    const record::ArenaView arena(arena_.base, arena_.bytes);
    const std::uint64_t now_ticks = record::read_ticks(record::header_of(arena_).clock);
    const record::ClockReading &started = record::header_of(arena_).started;
    const std::uint64_t run_ns = record::monotonic_ns() - started.monotonic_ns;
    if (run_ns < reporter::long_wait_ns) {
        return; // and no rate of the clock to go by yet
    }
    const auto long_ticks = static_cast<std::uint64_t>(
        static_cast<unsigned __int128>(now_ticks - started.ticks) * reporter::long_wait_ns / run_ns);
    const std::vector<LongWait> waits = long_waits(arena, now_ticks, long_ticks);
    ++looks_;
    if (!waits.empty()) {
        for (const KernelLock &held : held_outside(arena, waits, reporter::kernel_locks())) {
            note(held);
        }
    }
    looked_ticks_ = now_ticks;
}

void OutsideWatch::note(const KernelLock &held) {
    const std::string command = joined(reporter::command_of(held.pid), '\0');
    Noted &noted =
        noted_[{held.device_major, held.device_minor, held.inode, held.family, held.mode, command}];
    const std::uint64_t now_ticks = record::read_ticks(record::header_of(arena_).clock);
    if (noted.record == nullptr) {
        const record::Ref ref = record::take_room(arena_, sizeof(record::OutsideHolder), record::ref_unit);
        noted.record = record::resolve<record::OutsideHolder>(arena_, ref);
        if (noted.record == nullptr) {
            return; // the arena is full, and says so
        }
        noted.record->command = command.empty() ? 0 : record::intern_string(arena_, command);
        noted.record->device_major = held.device_major;
        noted.record->device_minor = held.device_minor;
        noted.record->inode = held.inode;
        noted.record->family = held.family;
        noted.record->mode = held.mode;
        record::push(&record::header_of(arena_).outside_holders, noted.record, ref);
    } else if (noted.last_look == looks_ - 1) {
        noted.record->seen_ticks += now_ticks - looked_ticks_;
    }
    noted.record->processes += noted.record->pid != held.pid ? 1U : 0U;
    noted.record->pid = held.pid;
    noted.last_look = looks_;
}

} // namespace flockstat::cli
