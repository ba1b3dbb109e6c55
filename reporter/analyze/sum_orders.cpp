/// Sums: what threads had when they asked for a lock.
#include "reporter/analyze/sums.h"

namespace flockstat::reporter {
namespace {

/// What a thread that is blocked has; nothing tells where it waits before it returns.
LockOrder order_of(const Run &run, const Waiting &waiting) {
    LockOrder order;
    order.wanted.lock = waiting.lock;
    order.wanted.mode = waiting.mode;
    order.wanted.range_start = waiting.range_start;
    order.wanted.range_end = waiting.range_end;
    order.process = waiting.process;
    order.thread = waiting.thread;
    for (const Region &region : run.regions) {
        if (region.process == waiting.process && region.thread == waiting.thread &&
            region.lock != waiting.lock) {
            order.held.push_back(
                {region.lock, region.stack, region.mode, region.range_start, region.range_end});
        }
    }
    return order;
}

} // namespace

void Sums::add_orders(const Run &run, std::size_t number, std::size_t first_process) {
    const auto place = [&](const LockedRange &range) {
        return OrderedPlace{site_number(locks_of_run_[range.lock], stacks_.id(number, range.stack)),
                            range.mode, range.range_start, range.range_end};
    };
    const auto add = [&](const LockOrder &order) {
        OrderSum &sum = orders.emplace_back();
        sum.wanted = place(order.wanted);
        for (const LockedRange &held : order.held) {
            sum.held.push_back(place(held));
        }
        sum.process = order.process == no_index ? std::nullopt : std::optional(first_process + order.process);
        sum.times = order.times;
    };
    for (const LockOrder &order : run.orders) {
        add(order);
    }
    for (const Waiting &blocked : run.waiting) {
        if (blocked.lock == no_index) {
            continue;
        }
        if (const LockOrder order = order_of(run, blocked); !order.held.empty()) {
            add(order);
        }
    }
}

} // namespace flockstat::reporter
