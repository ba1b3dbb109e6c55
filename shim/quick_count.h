/// The way of an ordinary call: an uncontended lock of what the thread did not hold, or the unlock of just
/// that, by a descriptor, a stack and a thread that are known. It is what the bookkeeping does with such a
/// call (attempt.h, ownership.h), without a look at what cannot be the case; whatever might be is left to
/// the bookkeeping, untouched. Inlined into the wrappers: calls would take longer than what they do.
#pragma once

#include "shim/bookkeeping.h"
#include "shim/lock_order.h"
#include "shim/open_file.h"
#include "shim/ordinary.h"
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

/// The thread has a block of this very process, polls for nothing, and is not inside the bookkeeping.
[[gnu::always_inline]] inline bool is_ready(const ThreadState &thread) {
    return ordinary(*thread.fork_word == thread.quick_generation) && ordinary(!thread.inside.is_placed());
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
    [[nodiscard]] record::Ref lock_ref() const {
        return open_file.file->locks[static_cast<unsigned>(family)];
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

/// Does a region's slot show all of this request but its time already?
template<Family family>
[[gnu::always_inline]] inline bool shows_same(const ThreadState &thread, const HeldRegion &region,
                                              const record::Leaf *leaf, const QuickCall &call,
                                              const Holding<family> &holding) {
    return ordinary(region.leaf == leaf) && ordinary(region.leaf_epoch == thread.leaf_epoch) &&
           ordinary(region.owner == holding.owner()) && ordinary(region.descriptor == call.descriptor) &&
           (family == Family::flock || ordinary(region.range == call.range));
}

/// Is this request the one again that the thread's next region was counted for? Mostly the same place locks
/// the same file again, and takes the region that it gave back.
template<Family family>
[[gnu::always_inline]] inline bool is_repeated(const ThreadState &thread, const QuickCall &call,
                                               const CallSite &site, const Holding<family> &holding,
                                               const HeldRegion *region) {
    // Its pointers are good only in its thread, after the epochs were found to be.
    return ordinary(region != nullptr) && ordinary(region->leaf_owner == &thread) &&
           ordinary(region->cache_epoch == thread.stacks.epoch()) &&
           ordinary(region->leaf_epoch == thread.leaf_epoch) &&
           ordinary(region->asked->key ==
                    CachedStack::key_of(holding.lock_ref(), static_cast<unsigned>(call.kind))) &&
           ordinary(region->live != nullptr) &&
           shows_same(thread, *region, region->asked->leaf, call, holding) &&
           ordinary(thread.stacks.is_still(*region->asked_from, site));
}

/// The owner, which holds nothing, has the thread's next region from now on; its slot is written next.
template<Family family>
[[gnu::always_inline]] inline void begin_region(ThreadState &thread, const QuickCall &call,
                                                record::Leaf *leaf, const Holding<family> &holding,
                                                HeldRegion &region) {
    thread.region_pool = region.next;
    region.next = nullptr;
    region.since_ticks = call.end_ticks;
    holding.begin(call.range, &region);
    note_granted(thread, leaf, call.range, *region.live, call.end_ticks);
}

/// Counts a grant whose region shows something else.
template<Family family>
[[gnu::noinline]] bool count_granted_anew(ThreadState &thread, const QuickCall &call, const CallSite &site,
                                          OpenFile &open_file) {
    const Holding<family> holding{open_file};
    HeldRegion *region = thread.region_pool;
    const record::Ref lock = holding.lock_ref();
    CachedStack *stack = lock != 0 ? thread.stacks.find(site) : nullptr; // 0: an excluded file
    KnownLeaf *known = stack != nullptr ? find_known_leaf(*stack, lock, call.kind) : nullptr;
    if (known == nullptr || region == nullptr || region->live == nullptr) {
        return false;
    }
    begin_region(thread, call, known->leaf, holding, *region);
    // An interpreter's stack is never recognised as the one before, but mostly is.
    if (shows_same(thread, *region, known->leaf, call, holding)) {
        __atomic_store_n(&region->live->since_ticks, call.end_ticks, __ATOMIC_RELEASE);
    } else {
        const Mode mode = call.kind == record::LeafKind::acquire_shared ? Mode::shared : Mode::exclusive;
        describe_region(thread, *region, known->leaf, lock, stack->stack, family, mode);
        region->made_in = open_file.made_in;
        region->alone_ticks = open_file.alone_ticks;
        publish_region(*region, family == Family::flock ? Range{} : call.range, holding.owner(),
                       call.descriptor, thread.block->thread);
    }
    region->asked_from = stack;
    region->asked = known;
    region->cache_epoch = thread.stacks.epoch();
    ++thread.block->totals.attempts;
    add_known_samples(thread, known->leaf->first, known->memo, thread.block->totals.enter,
                      call.end_ticks - call.start_ticks, call.end_ticks);
    return true;
}

template<Family family>
[[gnu::always_inline]] inline bool count_granted(ThreadState &thread, const QuickCall &call,
                                                 const CallSite &site, OpenFile &open_file) {
    const Holding<family> holding{open_file};
    HeldRegion *region = thread.region_pool;
    if (!ordinary(holding.empty())) {
        return false;
    }
    if (!ordinary(is_repeated(thread, call, site, holding, region))) {
        // Copies, so that what ordinary calls keep in registers need not be in memory.
        const QuickCall told{
            call.descriptor, call.start_ticks, call.end_ticks, call.kind, {call.range.start, call.range.end}};
        const CallSite from{site.return_address, site.stack_pointer, site.frame_pointer};
        return count_granted_anew<family>(thread, told, from, open_file);
    }
    record::Leaf *leaf = region->leaf;
    begin_region(thread, call, leaf, holding, *region);
    __atomic_store_n(&region->live->since_ticks, call.end_ticks, __ATOMIC_RELEASE);
    ++thread.block->totals.attempts;
    add_known_samples(thread, leaf->first, region->asked->memo, thread.block->totals.enter,
                      call.end_ticks - call.start_ticks, call.end_ticks);
    return true;
}

/// The leaf of a region's unlock, known to it from now on; nullptr without room.
template<Family family>
[[gnu::noinline]] record::Leaf *look_up_unlocked(ThreadState &thread, HeldRegion &region) {
    region.unlock_memo = {};
    region.unlocked =
        find_leaf(thread, without_stack(thread, region.lock), region.lock, record::LeafKind::release, family);
    return region.unlocked;
}

template<Family family>
[[gnu::always_inline]] inline bool count_released(ThreadState &thread, const QuickCall &call,
                                                  OpenFile &open_file) {
    const Holding<family> holding{open_file};
    HeldRegion *region = holding.sole(call.range);
    if (!ordinary(region != nullptr) || !ordinary(region->leaf_owner == &thread) ||
        !ordinary(region->leaf_epoch == thread.leaf_epoch) ||
        !ordinary(call.start_ticks - region->since_ticks < long_region_ticks) ||
        !ordinary(__atomic_load_n(region->waited_ticks, __ATOMIC_RELAXED) < region->since_ticks)) {
        return false;
    }
    record::Leaf *unlocked = region->unlocked;
    if (!ordinary(unlocked != nullptr)) {
        unlocked = look_up_unlocked<family>(thread, *region);
        if (unlocked == nullptr) {
            return false;
        }
    }
    holding.end();
    add_known_samples(thread, region->leaf->second, region->memo, thread.block->totals.region,
                      call.start_ticks - region->since_ticks, call.start_ticks);
    give_region(thread, region);
    ++thread.block->totals.unlocks;
    ++unlocked->calls;
    add_known_sample(thread, unlocked->first, region->unlock_memo, call.end_ticks - call.start_ticks,
                     call.end_ticks);
    return true;
}

} // namespace quick

/// Counts an ordinary call. False where it is none; then nothing was done. Async-signal-safe; errno
/// untouched.
template<Family family>
[[nodiscard, gnu::always_inline]] inline bool count_quickly(ThreadState &thread, const QuickCall &call,
                                                            const CallSite &site) {
    const Descriptor *entry = find_descriptor(call.descriptor);
    if (!ordinary(entry != nullptr) || !quick::is_ready(thread) || !ordinary(entry->open_file != nullptr) ||
        !ordinary(call.end_ticks - entry->verified_ticks < verified_for_ticks)) {
        return false;
    }
    OpenFile &open_file = *entry->open_file;
    thread.inside.place(FLOCKSTAT_FRAME_MARK());
    bool counted = false;
    SpinLock &lock = quick::Holding<family>{open_file}.lock();
    const bool alone = *single_threaded != 0;
    if (alone || lock.lock()) {
        counted = call.kind == record::LeafKind::release
                      ? quick::count_released<family>(thread, call, open_file)
                      : quick::count_granted<family>(thread, call, site, open_file);
        if (!alone) {
            lock.unlock();
        }
    }
    thread.inside.remove();
    if (!ordinary(thread.queue.empty())) {
        apply_queued(thread); // a signal handler's calls came meanwhile
    }
    return counted;
}

} // namespace flockstat::shim
