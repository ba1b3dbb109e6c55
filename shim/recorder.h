/// The thread's own part of the arena: accumulators, live regions, events. Plain stores into memory that no
/// other thread writes; nothing here blocks or allocates but room in the arena. Called inside the bookkeeping
/// only (bookkeeping.h).
#pragma once

#include "reporter/record/histogram.h"
#include "shim/ordinary.h"
#include "shim/run.h"
#include "shim/thread_state.h"

namespace flockstat::shim {

/// Has the thread a block to write to? Takes one at the thread's first call: an ended thread's, or a new one.
/// False where this process cannot record or the arena is full; the caller counts its call as lost.
[[nodiscard, gnu::cold]] bool attach_block(ThreadState &thread);
[[nodiscard]] inline bool ensure_block(ThreadState &thread) {
    return (thread.block != nullptr && thread.generation == run.generation) || attach_block(thread);
}

/// A call's stack: its record, and the cache entry that knows its leaves.
struct StackUse {
    record::Ref stack = 0;
    CachedStack *cached = nullptr;
};

/// The stack of the operation's site, unwound if it was not seen before. Slow then.
[[nodiscard, gnu::cold]] StackUse unwind_stack(ThreadState &thread, const Operation &operation);
[[nodiscard]] inline StackUse find_stack(ThreadState &thread, const Operation &operation) {
    if (run.stacks && !operation.frames_gone) [[likely]] {
        if (CachedStack *known = thread.stacks.find(operation.site); known != nullptr) [[likely]] {
            return {known->stack, known};
        }
    }
    return unwind_stack(thread, operation);
}

/// In place of the stack of a call that is counted by lock alone: no report asks where files are unlocked, or
/// locks are asked for.
[[nodiscard]] inline StackUse without_stack(ThreadState &thread, record::Ref lock) {
    // Lock records are 128 bytes apart. CachedStack::slot_of takes the two bits between.
    const unsigned low = lock >> 3U & 3U;
    const unsigned high = lock >> 7U & 3U;
    static_assert(ThreadState::stackless_count == 16);
    return {0, &thread.stackless[low | high << 2U]};
}

/// The leaf of a lock, which is not 0, among those that a cached stack knows.
[[nodiscard]] inline KnownLeaf *find_known_leaf(CachedStack &stack, record::Ref lock, record::LeafKind kind) {
    const std::uint64_t key = CachedStack::key_of(lock, static_cast<unsigned>(kind));
    KnownLeaf &leaf = stack.leaves[CachedStack::slot_of(key)];
    return leaf.key == key ? &leaf : nullptr;
}

/// The slow part of find_leaf.
[[nodiscard, gnu::cold]] record::Leaf *look_up_leaf(ThreadState &thread, StackUse use, record::Ref lock,
                                                    record::LeafKind kind, record::Family family);

/// The thread's accumulators for (lock, stack, kind), made at first use; nullptr where there is no room.
[[nodiscard]] inline record::Leaf *find_leaf(ThreadState &thread, StackUse use, record::Ref lock,
                                             record::LeafKind kind, record::Family family) {
    if (use.cached != nullptr && lock != 0) [[likely]] {
        if (const auto *known = find_known_leaf(*use.cached, lock, kind); known != nullptr) [[likely]] {
            return known->leaf;
        }
    }
    return look_up_leaf(thread, use, lock, kind, family);
}

/// The rare counters of a leaf, made at first use; nullptr where there is no room.
[[nodiscard]] record::LeafExtra *find_extra(ThreadState &thread, record::Leaf &leaf);

/// Adds to two words with one store: a process that is killed leaves both as they were or both added to (a
/// signal comes between instructions).
[[gnu::always_inline]] inline void add_pair(std::uint64_t *first, std::uint64_t one, std::uint64_t two) {
    using Pair = std::uint64_t __attribute__((vector_size(16), may_alias));
    auto *pair = reinterpret_cast<volatile Pair *>(first);
    *pair = *pair + Pair{one, two};
}

/// Counts one more of a bucket of the octave that `line` is for.
inline void count_in_octave(record::OctaveCounts &line, unsigned bucket) {
    std::uint32_t &count = line.counts[bucket % record::steps_in_octave];
    count += count != UINT32_MAX ? 1U : 0U;
}

/// The slow part of add_sample: there is no histogram yet, or no room for this octave in it.
[[gnu::cold]] void add_to_histogram(ThreadState &thread, record::Stat &stat, std::uint64_t ticks,
                                    std::uint64_t min_before, std::uint64_t max_before);

/// Adds a sample to a summary; `at`: when.
template<typename AnyStat>
inline void add_to_summary(AnyStat &stat, std::uint64_t ticks, std::uint64_t at) {
    if (ticks < stat.min_ticks || stat.count == 0) {
        stat.min_ticks = ticks;
    }
    if (ticks > stat.max_ticks) {
        stat.max_ticks = ticks;
    }
    stat.last_ticks = ticks;
    stat.last_at_ticks = at;
    add_pair(&stat.count, 1, ticks);
}

/// add_to_summary for one that has samples already.
template<typename AnyStat>
[[gnu::always_inline]] inline void add_further(AnyStat &stat, std::uint64_t ticks, std::uint64_t at) {
    if (!ordinary(ticks >= stat.min_ticks)) {
        stat.min_ticks = ticks;
    }
    if (!ordinary(ticks <= stat.max_ticks)) {
        stat.max_ticks = ticks;
    }
    stat.last_ticks = ticks;
    stat.last_at_ticks = at;
    add_pair(&stat.count, 1, ticks);
}

/// The slow part of add_known_samples.
[[gnu::noinline]] void add_first_samples(ThreadState &thread, record::Stat &stat, OctaveMemo &memo,
                                         record::ShortStat *total, std::uint64_t ticks, std::uint64_t at);

/// add_sample for a distribution that the same place adds to again and again.
[[gnu::always_inline]] inline void add_known_sample(ThreadState &thread, record::Stat &stat, OctaveMemo &memo,
                                                    std::uint64_t ticks, std::uint64_t at) {
    if (!ordinary(memo.count(ticks))) {
        add_first_samples(thread, stat, memo, nullptr, ticks, at);
        return;
    }
    add_further(stat, ticks, at);
}

/// A sample to a distribution that the same place adds to again and again, and to the process's summary
/// `total`.
[[gnu::always_inline]] inline void add_known_samples(ThreadState &thread, record::Stat &stat,
                                                     OctaveMemo &memo, record::ShortStat &total,
                                                     std::uint64_t ticks, std::uint64_t at) {
    if (!ordinary(memo.count(ticks))) {
        add_first_samples(thread, stat, memo, &total, ticks, at);
        return;
    }
    // The sample that taught the memo where to count went through here too, so neither is empty.
    add_further(stat, ticks, at);
    add_further(total, ticks, at);
}

/// Adds a sample to a process's summary.
inline void add_sample(record::ShortStat &stat, std::uint64_t ticks, std::uint64_t at) {
    add_to_summary(stat, ticks, at);
}

/// Adds a sample to a distribution.
inline void add_sample(ThreadState &thread, record::Stat &stat, std::uint64_t ticks, std::uint64_t at) {
    if (stat.count >= record::samples_without_histogram) {
        const unsigned bucket = record::bucket_of(ticks);
        const auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
        auto *line = histogram == nullptr
                         ? nullptr
                         : record::resolve<record::OctaveCounts>(
                               run.arena, histogram->octaves[bucket / record::steps_in_octave]);
        if (line != nullptr) [[likely]] {
            count_in_octave(*line, bucket);
        } else {
            add_to_histogram(thread, stat, ticks, stat.min_ticks, stat.max_ticks);
        }
    }
    add_to_summary(stat, ticks, at);
}

/// Appends to the run's event log; counted as lost beyond the budget.
void log_event(ThreadState &thread, const record::Event &event);

/// The same for an event that may turn out to interest nobody: it has half of the budget, and is left out
/// beyond.
void log_spare_event(ThreadState &thread, const record::Event &event);

/// Room of the thread's own in the arena, zeroed; 0 where there is none.
[[nodiscard]] record::Ref take_own_room(ThreadState &thread, std::uint64_t bytes, std::uint64_t alignment);

/// The slow part of take_region.
[[nodiscard, gnu::cold]] HeldRegion *make_region(ThreadState &thread);

/// A region object with a slot in the arena, where there is room for one; nullptr without memory.
[[nodiscard]] inline HeldRegion *take_region(ThreadState &thread) {
    HeldRegion *region = thread.region_pool;
    if (region == nullptr || region->live == nullptr) [[unlikely]] {
        return make_region(thread);
    }
    thread.region_pool = region->next;
    region->next = nullptr;
    region->pieces = 0;
    return region;
}

/// Back to the thread's pool, its slot freed.
inline void give_region(ThreadState &thread, HeldRegion *region) {
    note_released(thread.held, region->live);
    if (region->live != nullptr) {
        __atomic_store_n(&region->live->since_ticks, 0, __ATOMIC_RELEASE);
    }
    region->next = thread.region_pool;
    thread.region_pool = region;
}

/// Sets what is private of a region that begins, but for its time. `leaf`: of its acquisition, or nullptr.
inline void describe_region(ThreadState &thread, HeldRegion &region, record::Leaf *leaf, record::Ref lock,
                            record::Ref stack, Family family, Mode mode) {
    region.leaf = leaf;
    region.memo = {};
    region.unlocked = nullptr;
    const auto *record = record::resolve<record::Lock>(run.arena, lock);
    region.leaf_owner = leaf != nullptr && record != nullptr ? &thread : nullptr;
    region.waited_ticks = record != nullptr ? &record->waited_ticks : nullptr;
    region.leaf_epoch = thread.leaf_epoch;
    region.lock = lock;
    region.stack = stack;
    region.family = family;
    region.mode = mode;
}

/// Shows the region, whose private facts are set, to those who have to wait.
inline void publish_region(HeldRegion &region, Range range, std::uint64_t owner, int descriptor,
                           std::int32_t thread_id) {
    record::Region *live = region.live;
    region.owner = owner;
    region.range = range;
    region.descriptor = descriptor;
    if (live == nullptr) {
        return;
    }
    live->owner = owner;
    live->range_start = range.start;
    live->range_end = range.end;
    live->lock = region.lock;
    live->stack = region.stack;
    live->process = run.process_ref;
    live->descriptor = descriptor;
    live->thread = thread_id;
    live->family = region.family;
    live->mode = region.mode;
    live->holders = 1;
    __atomic_store_n(&live->since_ticks, region.since_ticks, __ATOMIC_RELEASE);
}

/// Hands the blocks of this process's ended threads, and the calling thread's, on to whoever comes, and moves
/// their sums to the process's record. In the last moments of a process.
void give_blocks(ThreadState *calling);

} // namespace flockstat::shim
