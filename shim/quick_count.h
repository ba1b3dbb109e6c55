/// The way of an ordinary call: an uncontended lock of what the thread did not hold, or the unlock of just
/// that, by a descriptor, a stack and a thread that are known. It is what the bookkeeping does with such a
/// call (attempt.h, ownership.h), without a look at what cannot be the case; whatever might be is left to
/// the bookkeeping, untouched. Inlined into the wrappers: calls would take longer than what they do.
#pragma once

#include "shim/bookkeeping.h"
#include "shim/lock_order.h"
#include "shim/open_file.h"
#include "shim/recorder.h"

namespace flockstat::shim {

/// A call that succeeded without waiting.
struct QuickCall {
    int descriptor;
    std::uint64_t start_ticks;
    std::uint64_t end_ticks;
    record::LeafKind kind{}; ///< not LeafKind::test
    Range range{};           ///< not of a flock call
};

namespace quick {

using KnownLeaf = CachedStack::KnownLeaf;

/// The thread has a block of this very process, polls for nothing, and is not inside the bookkeeping.
[[gnu::always_inline]] inline bool is_ready(const ThreadState &thread) {
    return *thread.fork_word == thread.quick_generation && thread.inside == 0;
}

/// What one owner holds of a file: its flock region, or its byte ranges.
template<Family family>
struct Holding {
    OpenFile &open_file;

    /// Guards what follows. Nobody else is there to be locked out while the process has one thread.
    [[nodiscard]] SpinLock &lock() const {
        return family == Family::posix ? open_file.file->lock : open_file.lock;
    }
    [[nodiscard]] Extents &extents() const {
        return family == Family::posix ? open_file.file->posix : open_file.ofd;
    }
    [[nodiscard]] std::uint64_t owner() const {
        return family == Family::posix ? run.process_ref : open_file.number;
    }
    [[nodiscard]] bool empty() const {
        return family == Family::flock ? open_file.flock_region == nullptr : extents().empty();
    }
    /// The only region, where the range is just what it has; else nullptr.
    [[nodiscard]] HeldRegion *sole(const Range &range) const {
        return family == Family::flock ? open_file.flock_region : extents().sole(range);
    }
    /// Now held by `region` alone.
    void begin(const Range &range, HeldRegion *region) const {
        if constexpr (family == Family::flock) {
            open_file.flock_region = region;
        } else {
            extents().begin(range, region);
            note_begin_posix();
        }
    }
    /// Now not held.
    void end() const {
        if constexpr (family == Family::flock) {
            open_file.flock_region = nullptr;
        } else {
            extents().end();
            note_end_posix();
        }
    }

private:
    static void note_begin_posix() {
        if constexpr (family == Family::posix) {
            note_posix_change(false, true);
        }
    }
    static void note_end_posix() {
        if constexpr (family == Family::posix) {
            note_posix_change(true, false);
        }
    }
};

/// The region is published. Its slot mostly says all but the time already: the same place locks the same file
/// again.
template<Family family>
[[gnu::always_inline]] inline void open_region(ThreadState &thread, const QuickCall &call,
                                               const CachedStack &stack, HeldRegion &region,
                                               record::Leaf &leaf, std::uint64_t owner) {
    region.since_ticks = call.end_ticks;
    if (region.leaf == &leaf && region.leaf_epoch == thread.leaf_epoch && region.owner == owner &&
        region.descriptor == call.descriptor && (family == Family::flock || region.range == call.range))
        [[likely]] {
        __atomic_store_n(&region.live->since_ticks, call.end_ticks, __ATOMIC_RELEASE);
        return;
    }
    const Mode mode = call.kind == record::LeafKind::acquire_shared ? Mode::shared : Mode::exclusive;
    describe_region(thread, region, &leaf, leaf.lock, stack.stack, family, mode);
    publish_region(region, family == Family::flock ? Range{} : call.range, owner, call.descriptor,
                   thread.block->thread);
}

template<Family family>
[[gnu::always_inline]] inline bool count_granted(ThreadState &thread, const QuickCall &call,
                                                 const CachedStack &stack, KnownLeaf &known,
                                                 const Holding<family> &holding) {
    HeldRegion *region = thread.region_pool;
    if (!holding.empty() || region == nullptr || region->live == nullptr) [[unlikely]] {
        return false;
    }
    thread.region_pool = region->next;
    region->next = nullptr;
    holding.begin(call.range, region);
    note_granted(thread, known.leaf, call.range, *region->live, call.end_ticks);
    open_region<family>(thread, call, stack, *region, *known.leaf, holding.owner());
    ++thread.block->totals.attempts;
    add_known_samples(thread, known.leaf->first, known.memo, thread.block->totals.enter,
                      call.end_ticks - call.start_ticks, call.end_ticks);
    return true;
}

template<Family family>
[[gnu::always_inline]] inline bool count_released(ThreadState &thread, const QuickCall &call,
                                                  KnownLeaf &known, const Holding<family> &holding) {
    HeldRegion *region = holding.sole(call.range);
    if (region == nullptr || region->leaf_owner != &thread || region->leaf_epoch != thread.leaf_epoch ||
        call.start_ticks - region->since_ticks >= long_region_ticks ||
        __atomic_load_n(region->waited_ticks, __ATOMIC_RELAXED) >= region->since_ticks) [[unlikely]] {
        return false;
    }
    holding.end();
    add_known_samples(thread, region->leaf->second, region->memo, thread.block->totals.region,
                      call.start_ticks - region->since_ticks, call.start_ticks);
    give_region(thread, region);
    ++thread.block->totals.unlocks;
    ++known.leaf->calls;
    add_known_sample(thread, known.leaf->first, known.memo, call.end_ticks - call.start_ticks,
                     call.end_ticks);
    return true;
}

template<Family family>
[[gnu::always_inline]] inline bool count_inside(ThreadState &thread, const QuickCall &call,
                                                const CallSite &site, OpenFile &open_file) {
    const record::Ref lock = open_file.file->locks[static_cast<unsigned>(family)]; // 0: an excluded file
    if (lock == 0) [[unlikely]] {
        return false;
    }
    CachedStack *stack = call.kind == record::LeafKind::release ? without_stack(thread, lock).cached
                                                                : thread.stacks.find(site);
    KnownLeaf *known = stack != nullptr ? find_known_leaf(*stack, lock, call.kind) : nullptr;
    const Holding<family> holding{open_file};
    const bool alone = *single_threaded != 0;
    if (known == nullptr || (!alone && !holding.lock().lock())) [[unlikely]] {
        return false;
    }
    const bool counted = call.kind == record::LeafKind::release
                             ? count_released<family>(thread, call, *known, holding)
                             : count_granted<family>(thread, call, *stack, *known, holding);
    if (!alone) {
        holding.lock().unlock();
    }
    return counted;
}

} // namespace quick

/// Counts an ordinary call. False where it is none; then nothing was done. Async-signal-safe; errno
/// untouched.
template<Family family>
[[nodiscard, gnu::always_inline]] inline bool count_quickly(ThreadState &thread, const QuickCall &call,
                                                            const CallSite &site) {
    const Descriptor *entry = find_descriptor(call.descriptor);
    if (!quick::is_ready(thread) || entry == nullptr || entry->open_file == nullptr ||
        call.end_ticks - entry->verified_ticks >= verified_for_ticks) [[unlikely]] {
        return false;
    }
    thread.inside = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    const bool counted = quick::count_inside<family>(thread, call, site, *entry->open_file);
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    thread.inside = 0;
    if (!thread.queue.empty()) [[unlikely]] {
        apply_queued(thread); // a signal handler's calls came meanwhile
    }
    return counted;
}

} // namespace flockstat::shim
