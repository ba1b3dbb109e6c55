#include "reporter/read/order_reader.h"

#include "reporter/read/stat_reader.h"

#include <algorithm>
#include <cstddef>

namespace flockstat::reporter {
namespace {

void widen(LockedRange &range, const LockedRange &other) {
    range.range_start = std::min(range.range_start, other.range_start);
    range.range_end = std::max(range.range_end, other.range_end);
}

} // namespace

void OrderReader::read(record::Ref head, const Leaf &leaf) {
    for (record::Ref ref = head; ref != 0;) {
        record::LockOrder stored;
        if (!arena_.copy(ref, &stored) || !seen_.insert(ref)) {
            ++run_.damaged; // the chain is broken here, or runs in a circle
            return;
        }
        LockOrder order;
        order.wanted = {leaf.lock, leaf.stack,
                        leaf.kind == LeafKind::acquire_exclusive ? Mode::exclusive : Mode::shared,
                        stored.range_start, stored.range_end};
        order.process = tables_.process(stored.process);
        order.thread = stored.thread;
        order.times = stored.times;
        if (stored.times <= plausible_count && read_outers(ref, stored.outer_count, &order)) {
            merge(std::move(order));
        } else {
            ++run_.damaged;
        }
        ref = stored.next;
    }
}

bool OrderReader::read_outers(record::Ref ref, std::uint32_t count, LockOrder *order) {
    if (count == 0 || count > record::max_outer_locks) {
        return false;
    }
    const auto *stored =
        arena_.at<record::LockOrder>(ref, (count - std::uint64_t{1}) * sizeof(record::OuterLock));
    if (stored == nullptr) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const record::OuterLock outer = stored->outers[i];
        const std::uint32_t lock = tables_.lock(outer.lock);
        if (lock == no_index || (outer.mode != Mode::shared && outer.mode != Mode::exclusive)) {
            return false;
        }
        order->held.push_back(
            {lock, tables_.stack(outer.stack), outer.mode, outer.range_start, outer.range_end});
    }
    return true;
}

void OrderReader::merge(LockOrder order) {
    const auto place = [](const LockedRange &range) { return Place(range.lock, range.stack, range.mode); };
    std::vector<Place> held;
    std::ranges::transform(order.held, std::back_inserter(held), place);
    const auto [found, added] = known_.try_emplace({place(order.wanted), held}, run_.orders.size());
    if (added) {
        run_.orders.push_back(std::move(order));
        return;
    }
    LockOrder &sum = run_.orders[found->second];
    sum.times += order.times;
    widen(sum.wanted, order.wanted);
    for (std::size_t i = 0; i < sum.held.size(); ++i) {
        widen(sum.held[i], order.held[i]);
    }
}

} // namespace flockstat::reporter
