#include "shim/lock_order.h"

#include "reporter/record/system_call.h"
#include "shim/co_holders.h"
#include "shim/open_file.h"
#include "shim/region_slots.h"

#include <algorithm>

namespace flockstat::shim {

bool inherited_known = false;

namespace {

/// The other locks that a thread has: each place once, with the bytes that were got there.
struct OuterSet {
    unsigned count = 0;
    bool has_it = false; ///< the lock that it asks for is among them
    record::OuterLock locks[record::max_outer_locks];
};

bool is_over(const HeldNow::Entry &entry) {
    const record::Region &live = *entry.live;
    const bool parents = live.family == Family::posix && live.process != run.process_ref;
    return __atomic_load_n(&live.since_ticks, __ATOMIC_ACQUIRE) != entry.since_ticks || parents;
}

void pop_innermost(HeldNow &held) {
    held.innermost = held.outer_count != 0 ? held.outer[--held.outer_count] : HeldNow::Entry{};
}

void drop_over(HeldNow &held) {
    HeldNow::Entry *end = std::remove_if(held.outer, held.outer + held.outer_count, is_over);
    held.outer_count = static_cast<unsigned>(end - held.outer);
    if (held.innermost.live != nullptr && is_over(held.innermost)) {
        pop_innermost(held);
    }
}

void widen(std::int64_t *start, std::int64_t *end, std::int64_t other_start, std::int64_t other_end) {
    *start = std::min(*start, other_start);
    *end = std::max(*end, other_end);
}

void add(OuterSet &set, const record::Region &live, record::Ref wanted) {
    set.has_it = set.has_it || live.lock == wanted;
    for (unsigned i = 0; i < set.count; ++i) {
        record::OuterLock &known = set.locks[i];
        if (known.lock == live.lock && known.stack == live.stack && known.mode == live.mode) {
            widen(&known.range_start, &known.range_end, live.range_start, live.range_end);
            return;
        }
    }
    set.locks[set.count++] = {live.lock, live.stack, live.range_start, live.range_end, live.mode, {}};
}

bool is_same_set(const record::LockOrder &order, const OuterSet &set) {
    return order.outer_count == set.count &&
           std::equal(set.locks, set.locks + set.count, order.outers,
                      [](const record::OuterLock &a, const record::OuterLock &b) {
                          return a.lock == b.lock && a.stack == b.stack && a.mode == b.mode;
                      });
}

std::uint64_t bytes_for(unsigned outer_count) {
    return sizeof(record::LockOrder) + (outer_count - 1U) * sizeof(record::OuterLock);
}

/// An order of the chain; nullptr where the arena does not hold all of one with so many locks.
record::LockOrder *order_at(record::Ref ref, unsigned outer_count) {
    auto *order = record::resolve<record::LockOrder>(run.arena, ref);
    const std::uint64_t end = std::uint64_t{ref} * record::ref_unit + bytes_for(outer_count);
    return order != nullptr && end <= run.arena.bytes ? order : nullptr;
}

record::LockOrder *make_order(ThreadState &thread, record::Leaf &leaf, Range range, const OuterSet &set) {
    const record::Ref ref = take_own_room(thread, bytes_for(set.count), record::ref_unit);
    record::LockOrder *order = order_at(ref, set.count);
    if (order == nullptr) {
        return nullptr;
    }
    order->process = run.process_ref;
    order->thread = thread.block->thread;
    order->outer_count = set.count;
    order->range_start = range.start;
    order->range_end = range.end;
    std::copy_n(set.locks, set.count, order->outers);
    order->next = leaf.orders;
    __atomic_store_n(&leaf.orders, ref, __ATOMIC_RELEASE);
    return order;
}

/// The record of this set, made at first sight; nullptr where there is no room for it.
record::LockOrder *find_order(ThreadState &thread, record::Leaf &leaf, Range range, const OuterSet &set) {
    record::Ref ref = leaf.orders;
    for (unsigned i = 0; i < record::max_leaf_orders; ++i) {
        record::LockOrder *order = order_at(ref, set.count);
        if (order == nullptr) {
            return make_order(thread, leaf, range, set);
        }
        if (is_same_set(*order, set)) {
            return order;
        }
        ref = order->next;
    }
    return nullptr;
}

void count_order(ThreadState &thread, record::Leaf &leaf, Range range, const OuterSet &set, bool granted) {
    record::LockOrder *order = find_order(thread, leaf, range, set);
    if (order == nullptr) {
        count_lost(&record::Lost::orders);
        return;
    }
    widen(&order->range_start, &order->range_end, range.start, range.end);
    for (unsigned i = 0; i < set.count; ++i) {
        record::OuterLock &known = order->outers[i];
        widen(&known.range_start, &known.range_end, set.locks[i].range_start, set.locks[i].range_end);
    }
    order->times += granted ? 1U : 0U;
}

void look_around(ThreadState &thread, record::Leaf &leaf, Range range, bool granted) {
    OuterSet set;
    if (thread.held.innermost.live != nullptr) {
        add(set, *thread.held.innermost.live, leaf.lock);
    }
    for (unsigned i = thread.held.outer_count; i != 0; --i) {
        add(set, *thread.held.outer[i - 1].live, leaf.lock);
    }
    if (set.count != 0 && !set.has_it) {
        count_order(thread, leaf, range, set, granted);
    }
}

void push_outer(HeldNow &held, const HeldNow::Entry &entry) {
    if (held.outer_count == record::max_outer_locks - 1) {
        count_lost(&record::Lost::orders);
        return;
    }
    held.outer[held.outer_count++] = entry;
}

/// It was left to this process, or is shared with it by a descriptor that an exec did not close.
bool is_inherited(const record::Region &region) {
    if (region.process == run.process_ref) {
        return true;
    }
    const auto *keeper = record::resolve<record::Process>(run.arena, region.process);
    return region.family != Family::posix && region.holders > 1 && keeper != nullptr &&
           is_same_description(region.descriptor, keeper->pid, region.descriptor) == Answer::yes;
}

} // namespace

void forget_held(HeldNow &held, const record::Region *live) {
    if (held.innermost.live == live) {
        pop_innermost(held);
        return;
    }
    HeldNow::Entry *end = std::remove_if(held.outer, held.outer + held.outer_count,
                                         [live](const HeldNow::Entry &entry) { return entry.live == live; });
    held.outer_count = static_cast<unsigned>(end - held.outer);
}

void note_wanted(ThreadState &thread, record::Leaf &leaf, Range range) {
    if (thread.held.innermost.live != nullptr) {
        drop_over(thread.held);
        look_around(thread, leaf, range, false);
    }
}

void note_nested(ThreadState &thread, record::Leaf *leaf, Range range) {
    drop_over(thread.held);
    if (thread.held.innermost.live == nullptr) {
        return;
    }
    if (leaf != nullptr) {
        look_around(thread, *leaf, range, true);
    }
    push_outer(thread.held, thread.held.innermost);
}

void find_inherited(ThreadState &thread) {
    inherited_known = true;
    if (reinterpret_cast<const record::Header *>(run.arena.base)->process_count < 2) {
        return;
    }
    visit_region_slots([&](record::Region &slot) {
        const std::uint64_t since_ticks = slot.since_ticks;
        if (since_ticks != 0 && is_inherited(slot)) {
            push_outer(thread.held, {&slot, since_ticks});
        }
    });
    if (thread.held.innermost.live == nullptr) {
        pop_innermost(thread.held);
    }
}

} // namespace flockstat::shim
