/// The thread's own part of the arena: accumulators, live regions, events. Plain stores into memory that no
/// other thread writes; nothing here blocks or allocates but room in the arena. Called inside the bookkeeping
/// only (bookkeeping.h).
#pragma once

#include "reporter/record/histogram.h"
#include "shim/run.h"
#include "shim/thread_state.h"

namespace flockstat::shim {

/// Has the thread a block to write to? Takes one at the thread's first call: an ended thread's, or a new one.
/// False where this process cannot record or the arena is full; the caller counts its call as lost.
[[nodiscard]] bool ensure_block(ThreadState &thread);

/// A call's stack: its record, and the cache entry that knows its leaves.
struct StackUse {
    record::Ref stack = 0;
    CachedStack *cached = nullptr;
};

/// The stack of the operation's site, unwound if it was not seen before. Slow then.
[[nodiscard]] StackUse find_stack(ThreadState &thread, const Operation &operation);

/// The thread's accumulators for (lock, stack, kind), made at first use; nullptr where there is no room.
[[nodiscard]] record::Leaf *find_leaf(ThreadState &thread, StackUse use, record::Ref lock,
                                      record::LeafKind kind, record::Family family);

/// The rare counters of a leaf, made at first use; nullptr where there is no room.
[[nodiscard]] record::LeafExtra *find_extra(ThreadState &thread, record::Leaf &leaf);

/// Adds a sample to a distribution. `at`: when.
void add_sample(ThreadState &thread, record::Stat &stat, std::uint64_t ticks, std::uint64_t at);

/// Adds a sample to a process's summary.
void add_sample(record::ShortStat &stat, std::uint64_t ticks, std::uint64_t at);

/// Appends to the run's event log; counted as lost beyond the budget.
void log_event(ThreadState &thread, const record::Event &event);

/// Room of the thread's own in the arena, zeroed; 0 where there is none.
[[nodiscard]] record::Ref take_own_room(ThreadState &thread, std::uint64_t bytes, std::uint64_t alignment);

/// A region object with a slot in the arena, where there is room for one; nullptr without memory.
[[nodiscard]] HeldRegion *take_region(ThreadState &thread);

/// Back to the thread's pool, its slot freed.
void give_region(ThreadState &thread, HeldRegion *region);

/// Shows the region, whose private facts are set, to those who have to wait.
void publish_region(HeldRegion &region, Range range, std::uint64_t owner, int descriptor,
                    std::int32_t thread_id);

/// Hands the blocks of this process's ended threads, and the calling thread's, on to whoever comes, and moves
/// their sums to the process's record. In the last moments of a process.
void give_blocks(ThreadState *calling);

} // namespace flockstat::shim
