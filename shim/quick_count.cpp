#include "shim/quick_count.h"

#include "shim/bookkeeping.h"
#include "shim/open_file.h"
#include "shim/recorder.h"

namespace flockstat::shim {
namespace {

/// What an ordinary call has: all there, all known, and nobody else at it.
struct Known {
    ThreadState *thread;
    OpenFile *open_file;
    CachedStack *stack;
};

/// The thread has a block of this very process, is not inside the bookkeeping, and polls for nothing.
bool is_ready(const ThreadState *thread) {
    return thread != nullptr && thread->inside == 0 && thread->block != nullptr &&
           thread->generation == run.generation && run.fork_page != nullptr &&
           run.fork_page->same_process != 0 && thread->open_episodes == 0;
}

record::Leaf *known_leaf(const CachedStack &stack, record::Ref lock, record::LeafKind kind) {
    const std::uint64_t key = leaf_key(lock, stack.stack, kind, Family::flock);
    const unsigned slot = leaf_slot(key);
    return stack.leaf_key[slot] == key ? static_cast<record::Leaf *>(stack.leaf[slot]) : nullptr;
}

void add_granted(const Known &known, record::Leaf &leaf, const LockCall &call, int descriptor,
                 std::uint64_t start_ticks, std::uint64_t end_ticks, HeldRegion *region) {
    ThreadState &thread = *known.thread;
    const std::uint64_t enter = end_ticks - start_ticks;
    ++thread.block->totals.attempts;
    add_sample(thread, leaf.first, enter, end_ticks);
    add_sample(thread.block->totals.enter, enter, end_ticks);
    region->leaf = &leaf;
    region->leaf_owner = &thread;
    region->leaf_epoch = thread.leaf_epoch;
    region->since_ticks = end_ticks;
    region->lock = known.open_file->file->locks[static_cast<unsigned>(Family::flock)];
    region->stack = known.stack->stack;
    region->family = Family::flock;
    region->mode = call.mode;
    known.open_file->flock_region = region;
    publish_region(*region, {}, known.open_file->number, descriptor, thread.block->thread);
}

bool count_granted(const Known &known, const LockCall &call, int descriptor, std::uint64_t start_ticks,
                   std::uint64_t end_ticks) {
    OpenFile &open_file = *known.open_file;
    HeldRegion *region = known.thread->region_pool;
    const record::Ref lock = open_file.file->locks[static_cast<unsigned>(Family::flock)];
    record::Leaf *leaf = known_leaf(*known.stack, lock, acquire_kind(call.mode));
    if (lock == 0 || leaf == nullptr || open_file.flock_region != nullptr || region == nullptr ||
        region->live == nullptr) {
        return false;
    }
    known.thread->region_pool = region->next;
    region->next = nullptr;
    add_granted(known, *leaf, call, descriptor, start_ticks, end_ticks, region);
    return true;
}

bool count_released(const Known &known, std::uint64_t start_ticks, std::uint64_t end_ticks) {
    ThreadState &thread = *known.thread;
    OpenFile &open_file = *known.open_file;
    HeldRegion *region = open_file.flock_region;
    const record::Ref lock_ref = open_file.file->locks[static_cast<unsigned>(Family::flock)];
    const auto *lock = record::resolve<record::Lock>(run.arena, lock_ref);
    record::Leaf *leaf = known_leaf(*known.stack, lock_ref, record::LeafKind::release);
    if (leaf == nullptr || lock == nullptr || region == nullptr || region->leaf_owner != &thread ||
        region->leaf_epoch != thread.leaf_epoch || region->since_ticks == 0 ||
        __atomic_load_n(&lock->waited_ticks, __ATOMIC_RELAXED) >= region->since_ticks) {
        return false;
    }
    open_file.flock_region = nullptr;
    const std::uint64_t held = start_ticks - region->since_ticks;
    add_sample(thread, region->leaf->second, held, start_ticks);
    add_sample(thread.block->totals.region, held, start_ticks);
    ++thread.block->totals.unlocks;
    ++leaf->calls;
    add_sample(thread, leaf->first, end_ticks - start_ticks, end_ticks);
    give_region(thread, region);
    return true;
}

} // namespace

bool count_quickly(const LockCall &call, int descriptor, const CallSite &site, std::uint64_t start_ticks,
                   std::uint64_t end_ticks) {
    ThreadState *thread = thread_slot.state;
    const Descriptor *entry = find_descriptor(descriptor);
    if (!is_ready(thread) || entry == nullptr || entry->open_file == nullptr ||
        end_ticks - entry->verified_ticks >= verified_for_ticks) {
        return false;
    }
    thread->inside = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    const Known known{thread, entry->open_file, run.stacks ? thread->stacks.find(site) : nullptr};
    bool counted = false;
    if (known.stack != nullptr && known.open_file->lock.lock()) {
        counted = call.action == Action::attempt
                      ? count_granted(known, call, descriptor, start_ticks, end_ticks)
                      : count_released(known, start_ticks, end_ticks);
        known.open_file->lock.unlock();
    }
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    thread->inside = 0;
    if (!thread->queue.empty()) [[unlikely]] {
        inside_bookkeeping(*thread, [](ThreadState &) {}); // a signal handler's calls came meanwhile
    }
    return counted;
}

} // namespace flockstat::shim
