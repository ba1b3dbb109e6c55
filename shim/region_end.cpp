#include "shim/region_end.h"

#include "reporter/record/system_call.h"
#include "shim/doubtful_close.h"
#include "shim/handover.h"
#include "shim/lock_lines.h"

#include <cerrno>

namespace flockstat::shim {
namespace {

using record::Release;
using record::system_call;

record::Leaf *leaf_of(ThreadState &thread, const HeldRegion &region) {
    if (region.leaf_owner == &thread && region.leaf_epoch == thread.leaf_epoch) {
        return region.leaf;
    }
    return find_leaf(thread, {.stack = region.stack, .cached = nullptr}, region.lock,
                     acquire_kind(region.mode), region.family);
}

/// Did anybody wait or get refused since it began? One word, which only those write.
bool is_waited_for(const HeldRegion &region) {
    const auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    return lock != nullptr && __atomic_load_n(&lock->waited_ticks, __ATOMIC_RELAXED) >= region.since_ticks;
}

/// The region as an event, for those who waited or were refused while it was held: they want to know for how
/// long, and when it ended.
record::Event held_event(const ThreadState &thread, const HeldRegion &region, record::Release how,
                         std::uint64_t end_ticks) {
    record::Event event{};
    event.kind = record::EventKind::held;
    event.family = region.family;
    event.mode = region.mode;
    event.release = static_cast<std::uint8_t>(how);
    event.lock = region.lock;
    event.stack = region.stack;
    event.process = run.process_ref;
    event.thread = thread.block->thread;
    event.start_ticks = region.since_ticks;
    event.end_ticks = end_ticks;
    event.range_start = region.live != nullptr ? region.live->range_start : 0;
    event.range_end = region.live != nullptr ? region.live->range_end : INT64_MAX;
    return event;
}

/// A thread that waits in its first call for the file cannot say so: it would have to look up which file it
/// is before it waits. So long regions are told in any case.
[[gnu::cold, gnu::noinline]] void tell_waiters(ThreadState &thread, const HeldRegion &region,
                                               record::Release how, std::uint64_t end_ticks) {
    auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    if (lock == nullptr) {
        return;
    }
    __atomic_store_n(&lock->released_ticks, end_ticks, __ATOMIC_RELAXED);
    const record::Event event = held_event(thread, region, how, end_ticks);
    if (is_waited_for(region)) {
        log_event(thread, event);
    } else {
        log_spare_event(thread, event);
    }
}

bool may_be_shared(const HeldRegion &region) {
    return region.family != Family::posix &&
           (region.shared || region.guest || (region.live != nullptr && region.live->holders > 1));
}

/// Makes it this process's to count; false where another one was faster.
bool take_end(HeldRegion &region) {
    if (region.live == nullptr) {
        return true;
    }
    if (!may_be_shared(region)) {
        return is_current(region);
    }
    std::uint64_t since_ticks = region.since_ticks;
    return __atomic_compare_exchange_n(&region.live->since_ticks, &since_ticks, 0, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

void count(ThreadState &thread, const HeldRegion &region, Release how, std::uint64_t end_ticks) {
    // After an exec that failed the thread has given its block away.
    if (region.since_ticks == 0 || !ensure_block(thread)) {
        return;
    }
    record::Leaf *leaf = leaf_of(thread, region);
    if (leaf == nullptr) {
        return;
    }
    const std::uint64_t held = end_ticks > region.since_ticks ? end_ticks - region.since_ticks : 0;
    if (how != Release::unknown) {
        add_sample(thread, leaf->second, held, end_ticks);
        add_sample(thread.block->totals.region, held, end_ticks);
    }
    if (how != Release::unlock) {
        if (record::LeafExtra *extra = find_extra(thread, *leaf); extra != nullptr) {
            ++extra->released[static_cast<unsigned>(how)];
            extra->held_open_ticks += how == Release::unknown ? held : 0;
        }
    }
    if (held >= long_region_ticks || is_waited_for(region)) [[unlikely]] {
        tell_waiters(thread, region, how, end_ticks);
    }
}

/// Does the region's keeper, another process, still have it? Where that cannot be asked, while it lives.
bool is_kept(record::Ref keeper_ref, const record::Region &slot, int descriptor) {
    const auto *keeper = record::resolve<record::Process>(run.arena, keeper_ref);
    if (keeper == nullptr || keeper->state == record::ProcessState::exited) {
        return false;
    }
    if (keeper->pid_namespace != run.pid_namespace) { // its number is another process's here
        return true;
    }
    const Answer answer = is_same_description(descriptor, keeper->pid, slot.descriptor);
    return answer == Answer::yes ||
           (answer == Answer::unknown && system_call(SYS_kill, keeper->pid, 0) != -ESRCH);
}

} // namespace

bool end_region(ThreadState &thread, HeldRegion *region, Release how, std::uint64_t end_ticks) {
    const bool ours = take_end(*region);
    if (ours) {
        count(thread, *region, how, end_ticks);
        if (region->live != nullptr &&
            !may_be_shared(*region)) { // take_end did; its slot may show another by now
            __atomic_store_n(&region->live->since_ticks, 0, __ATOMIC_RELEASE);
        }
    }
    drop_region(thread, region, true);
    return ours;
}

void drop_region(ThreadState &thread, HeldRegion *region, bool free) {
    note_released(thread.held, region->live);
    if (may_be_shared(*region)) {
        region->leaf = nullptr; // what its slot says is to be written anew
    }
    if (region->guest) {
        region->live = region->spare;
        region->spare = nullptr;
        region->guest = false;
    } else if (!free) {
        region->live = nullptr; // its slot goes on to show it
    }
    region->shared = false;
    region->next = thread.region_pool;
    thread.region_pool = region;
}

Leaving find_successor(ThreadState &thread, const HeldRegion &region, int descriptor, unsigned max_listed) {
    if (region.live == nullptr || !is_current(region)) {
        return region.live == nullptr && !region.guest ? Leaving::ends : Leaving::goes_on;
    }
    record::Region &slot = *region.live;
    const auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    if (lock == nullptr || !is_open_on(descriptor, *lock)) { // it was closed by a call that nobody saw
        return slot.process == run.process_ref ? Leaving::unknown : Leaving::goes_on;
    }
    constexpr int tries = 3; // somebody else may be at it
    for (int i = 0; i < tries; ++i) {
        record::Ref keeper = __atomic_load_n(&slot.process, __ATOMIC_ACQUIRE);
        if (keeper != run.process_ref || keeper == 0) {
            if (is_kept(keeper, slot, descriptor)) {
                return Leaving::goes_on;
            }
            // A child may have a copy of what its parent got in the meantime (distrust_descriptors).
            LockLines lines;
            const bool never_had_it = lines.read(descriptor) && lines.empty();
            if (never_had_it || !ensure_block(thread)) {
                return Leaving::goes_on; // not ours to count
            }
            if (!__atomic_compare_exchange_n(&slot.process, &keeper, run.process_ref, false, __ATOMIC_ACQ_REL,
                                             __ATOMIC_RELAXED)) {
                continue;
            }
        }
        CoHolder other;
        switch (find_co_holder(descriptor, region, max_listed, &other)) {
        case Answer::absent:
        case Answer::no: return Leaving::ends;
        case Answer::unknown: return Leaving::unknown;
        case Answer::yes: return hand_over(region, other) ? Leaving::goes_on : Leaving::unknown;
        }
    }
    return Leaving::unknown;
}

bool leave_region(ThreadState &thread, HeldRegion *region, int descriptor, Release how,
                  std::uint64_t end_ticks) {
    if (!may_be_shared(*region)) {
        return end_region(thread, region, how, end_ticks);
    }
    const unsigned max_listed = how == Release::close ? max_listed_by_close : max_listed_by_end;
    switch (find_successor(thread, *region, descriptor, max_listed)) {
    case Leaving::ends: return end_region(thread, region, how, end_ticks);
    case Leaving::unknown:
        return !(how == Release::close && put_in_doubt(thread, *region, descriptor, end_ticks)) &&
               end_region(thread, region, Release::unknown, end_ticks);
    case Leaving::goes_on: break;
    }
    drop_region(thread, region, !is_current(*region));
    return false;
}

bool end_list(ThreadState &thread, HeldRegion *regions, Release how, std::uint64_t end_ticks) {
    bool any = false;
    while (regions != nullptr) {
        HeldRegion *next = regions->next;
        any = end_region(thread, regions, how, end_ticks) || any;
        regions = next;
    }
    return any;
}

bool leave_list(ThreadState &thread, HeldRegion *regions, int descriptor, Release how,
                std::uint64_t end_ticks) {
    bool any = false;
    while (regions != nullptr) {
        HeldRegion *next = regions->next;
        any = leave_region(thread, regions, descriptor, how, end_ticks) || any;
        regions = next;
    }
    return any;
}

} // namespace flockstat::shim
