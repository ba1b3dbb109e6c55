/// The way of an ordinary call: an uncontended flock, or an unlock, of a descriptor, a stack and a thread
/// that are known. It is what the bookkeeping does with such a call (attempt.h, ownership.h), without a look
/// at what cannot be the case; whatever might be is left to the bookkeeping, untouched. Inlined into the
/// wrapper: calls would take longer than what they do.
#pragma once

#include "shim/bookkeeping.h"
#include "shim/open_file.h"
#include "shim/recorder.h"

namespace flockstat::shim {
namespace quick {

using KnownLeaf = CachedStack::KnownLeaf;

/// What an ordinary call has: all there, all known, and nobody else at it.
struct Known {
    ThreadState &thread;
    OpenFile &open_file;
    CachedStack &stack;
    record::Ref lock;
    int descriptor;
    std::uint64_t start_ticks;
    std::uint64_t end_ticks;
};

/// The thread has a block of this very process, is not inside the bookkeeping, and polls for nothing.
[[gnu::always_inline]] inline bool is_ready(const ThreadState *thread) {
    return thread != nullptr && thread->inside == 0 && thread->block != nullptr &&
           thread->generation == run.generation && run.fork_page != nullptr &&
           run.fork_page->same_process != 0 && thread->open_episodes == 0;
}

[[gnu::always_inline]] inline KnownLeaf *known_leaf(const Known &known, record::LeafKind kind) {
    const std::uint64_t key = leaf_key(known.lock, known.stack.stack, kind, Family::flock);
    KnownLeaf &leaf = known.stack.leaves[leaf_slot(key)];
    return leaf.key == key ? &leaf : nullptr;
}

/// The region is published. Its slot mostly says all but the time already: the same place locks the same file
/// again.
[[gnu::always_inline]] inline void open_region(const Known &known, HeldRegion &region, record::Leaf *leaf,
                                               Mode mode) {
    region.since_ticks = known.end_ticks;
    if (region.leaf == leaf && region.leaf_owner == &known.thread &&
        region.leaf_epoch == known.thread.leaf_epoch && region.owner == known.open_file.number &&
        region.descriptor == known.descriptor) [[likely]] {
        __atomic_store_n(&region.live->since_ticks, known.end_ticks, __ATOMIC_RELEASE);
        return;
    }
    region.leaf = leaf;
    region.memo = {};
    region.leaf_owner = &known.thread;
    region.leaf_epoch = known.thread.leaf_epoch;
    region.lock = known.lock;
    region.stack = known.stack.stack;
    region.family = Family::flock;
    region.mode = mode;
    publish_region(region, {}, known.open_file.number, known.descriptor, known.thread.block->thread);
}

[[gnu::always_inline]] inline bool count_granted(const Known &known, Mode mode) {
    ThreadState &thread = known.thread;
    HeldRegion *region = thread.region_pool;
    KnownLeaf *leaf = known_leaf(known, acquire_kind(mode));
    if (leaf == nullptr || known.open_file.flock_region != nullptr || region == nullptr ||
        region->live == nullptr) {
        return false;
    }
    thread.region_pool = region->next;
    region->next = nullptr;
    known.open_file.flock_region = region;
    open_region(known, *region, leaf->leaf, mode);
    const std::uint64_t enter = known.end_ticks - known.start_ticks;
    ++thread.block->totals.attempts;
    add_known_sample(thread, leaf->leaf->first, leaf->memo, enter, known.end_ticks);
    add_sample(thread.block->totals.enter, enter, known.end_ticks);
    return true;
}

[[gnu::always_inline]] inline bool count_released(const Known &known) {
    ThreadState &thread = known.thread;
    HeldRegion *region = known.open_file.flock_region;
    const auto *lock = record::resolve<record::Lock>(run.arena, known.lock);
    KnownLeaf *leaf = known_leaf(known, record::LeafKind::release);
    if (leaf == nullptr || lock == nullptr || region == nullptr || region->leaf_owner != &thread ||
        region->leaf_epoch != thread.leaf_epoch || region->since_ticks == 0 ||
        __atomic_load_n(&lock->waited_ticks, __ATOMIC_RELAXED) >= region->since_ticks) {
        return false;
    }
    known.open_file.flock_region = nullptr;
    const std::uint64_t held = known.start_ticks - region->since_ticks;
    add_known_sample(thread, region->leaf->second, region->memo, held, known.start_ticks);
    add_sample(thread.block->totals.region, held, known.start_ticks);
    give_region(thread, region);
    ++thread.block->totals.unlocks;
    ++leaf->leaf->calls;
    add_known_sample(thread, leaf->leaf->first, leaf->memo, known.end_ticks - known.start_ticks,
                     known.end_ticks);
    return true;
}

} // namespace quick

/// Counts a flock call that succeeded without waiting. False where it is not
/// that ordinary; then nothing was done. Async-signal-safe; errno untouched.
[[nodiscard, gnu::always_inline]] inline bool count_quickly(const LockCall &call, int descriptor,
                                                            const CallSite &site, std::uint64_t start_ticks,
                                                            std::uint64_t end_ticks) {
    ThreadState *thread = thread_slot.state;
    const Descriptor *entry = find_descriptor(descriptor);
    if (!quick::is_ready(thread) || entry == nullptr || entry->open_file == nullptr ||
        end_ticks - entry->verified_ticks >= verified_for_ticks) {
        return false;
    }
    thread->inside = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    CachedStack *stack = run.stacks ? thread->stacks.find(site) : nullptr;
    OpenFile &open_file = *entry->open_file;
    const record::Ref lock =
        open_file.file->locks[static_cast<unsigned>(Family::flock)]; // 0 for an excluded file
    bool counted = false;
    if (stack != nullptr && lock != 0 && open_file.lock.lock()) [[likely]] {
        const quick::Known known{*thread, open_file, *stack, lock, descriptor, start_ticks, end_ticks};
        counted = call.action == Action::attempt ? quick::count_granted(known, call.mode)
                                                 : quick::count_released(known);
        open_file.lock.unlock();
    }
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    thread->inside = 0;
    if (!thread->queue.empty()) [[unlikely]] {
        apply_queued(*thread); // a signal handler's calls came meanwhile
    }
    return counted;
}

} // namespace flockstat::shim
