#include "reporter/analyze/lock_order.h"

#include "reporter/analyze/conflict.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace flockstat::reporter {
namespace {

/// While it had `held`, `order` asked for its `wanted`. Locks as numbers of conflict classes.
struct Step {
    const OrderSum *order;
    const OrderedPlace *held;
    std::size_t held_class, wanted_class;
};

class Steps {
public:
    explicit Steps(const Sums &sums) : sums_(sums) {
        for (const Lock *lock : locks()) {
            classes_.push_back(
                class_numbers_.try_emplace(conflict_class(*lock), class_numbers_.size()).first->second);
        }
        for (const OrderSum &order : sums.orders) {
            for (const OrderedPlace &held : order.held) {
                if (class_of(held) != class_of(order.wanted)) {
                    all_.push_back({&order, &held, class_of(held), class_of(order.wanted)});
                }
            }
        }
        std::ranges::stable_sort(all_, [](const Step &a, const Step &b) { return times(a) > times(b); });
    }

    [[nodiscard]] const std::vector<Step> &all() const { return all_; }

    /// Does the first one ask for what the second one has?
    [[nodiscard]] bool meets(const Step &asks, const Step &has) const {
        return asks.wanted_class == has.held_class && conflict(asks.order->wanted, *has.held);
    }

    /// A lock that both have, besides those that they wait for, and that they cannot have at once.
    [[nodiscard]] std::optional<std::size_t> gate(const Step &a, const Step &b) const {
        for (const OrderedPlace &one : a.order->held) {
            for (const OrderedPlace &other : b.order->held) {
                const bool part = &one == a.held || &other == b.held;
                if (!part && class_of(one) == class_of(other) && conflict(one, other)) {
                    return sums_.sites[one.site].lock;
                }
            }
        }
        return std::nullopt;
    }

    /// Of a ring: of any two of its steps.
    [[nodiscard]] std::optional<std::size_t> gate(const std::vector<Step> &ring) const {
        for (std::size_t i = 0; i < ring.size(); ++i) {
            for (std::size_t j = i + 1; j < ring.size(); ++j) {
                if (const auto found = gate(ring[i], ring[j])) {
                    return found;
                }
            }
        }
        return std::nullopt;
    }

    static std::uint64_t times(const Step &step) { return step.order->times; }

private:
    [[nodiscard]] std::vector<const Lock *> locks() const {
        std::vector<const Lock *> all;
        for (const LockSum &sum : sums_.locks) {
            all.push_back(&sum.lock);
        }
        return all;
    }
    [[nodiscard]] std::size_t class_of(const OrderedPlace &place) const {
        return classes_[sums_.sites[place.site].lock];
    }
    static bool conflict(const OrderedPlace &a, const OrderedPlace &b) {
        return (a.mode == Mode::exclusive || b.mode == Mode::exclusive) && a.range_start <= b.range_end &&
               a.range_end >= b.range_start;
    }

    const Sums &sums_;
    std::map<ConflictClass, std::size_t> class_numbers_;
    std::vector<std::size_t> classes_; ///< by lock
    std::vector<Step> all_;            ///< the most frequent first
};

using Pair = std::pair<std::size_t, std::size_t>;

/// The first steps of both that meet each other, without a gate where there are such.
std::optional<std::vector<Step>> opposed(const Steps &steps, const std::vector<Step> &there,
                                         const std::vector<Step> &back) {
    std::optional<std::vector<Step>> gated;
    for (const Step &one : there) {
        for (const Step &other : back) {
            if (!steps.meets(one, other) || !steps.meets(other, one)) {
                continue;
            }
            if (!steps.gate(one, other)) {
                return std::vector{one, other};
            }
            gated = gated ? gated : std::optional(std::vector{one, other});
        }
    }
    return gated;
}

/// Pairs of locks that are taken in both orders. Takes the steps between them out of `left`.
std::vector<std::vector<Step>> opposed_pairs(const Steps &steps, std::vector<Step> &left) {
    std::map<Pair, std::vector<Step>> by_pair;
    for (const Step &step : steps.all()) {
        by_pair[{step.held_class, step.wanted_class}].push_back(step);
    }
    std::vector<std::vector<Step>> found;
    std::set<Pair> reported;
    for (const auto &[pair, there] : by_pair) {
        const auto back = by_pair.find({pair.second, pair.first});
        if (pair.first > pair.second || back == by_pair.end()) {
            continue;
        }
        if (auto ring = opposed(steps, there, back->second)) {
            found.push_back(std::move(*ring));
            reported.insert({pair, back->first});
        }
    }
    std::ranges::copy_if(steps.all(), std::back_inserter(left), [&](const Step &step) {
        return reported.count({step.held_class, step.wanted_class}) == 0;
    });
    return found;
}

/// Leaves out the steps that are in no ring: again and again those that nothing leads to or from.
void prune(const Steps &steps, std::vector<Step> &left) {
    for (std::size_t before = left.size() + 1; before != left.size();) {
        before = left.size();
        for (const bool forward : {true, false}) {
            std::map<std::size_t, std::vector<const Step *>> by_class;
            for (const Step &step : left) {
                by_class[forward ? step.held_class : step.wanted_class].push_back(&step);
            }
            std::vector<Step> kept;
            std::ranges::copy_if(left, std::back_inserter(kept), [&](const Step &step) {
                return std::ranges::any_of(
                    by_class[forward ? step.wanted_class : step.held_class], [&](const Step *other) {
                        return forward ? steps.meets(step, *other) : steps.meets(*other, step);
                    });
            });
            left = std::move(kept);
        }
    }
}

/// The shortest way from a step back to itself; empty where there is none.
std::vector<Step> shortest_ring(const Steps &steps, const std::vector<Step> &left, std::size_t start) {
    constexpr std::size_t unseen = SIZE_MAX;
    std::vector<std::size_t> from(left.size(), unseen);
    std::deque<std::size_t> to_visit{start};
    while (!to_visit.empty()) {
        const std::size_t at = to_visit.front();
        to_visit.pop_front();
        if (at != start && steps.meets(left[at], left[start])) {
            std::vector<Step> ring;
            for (std::size_t step = at; step != start; step = from[step]) {
                ring.insert(ring.begin(), left[step]);
            }
            ring.insert(ring.begin(), left[start]);
            return ring;
        }
        for (std::size_t next = 0; next < left.size(); ++next) {
            if (from[next] == unseen && next != start && steps.meets(left[at], left[next])) {
                from[next] = at;
                to_visit.push_back(next);
            }
        }
    }
    return {};
}

/// Rings of more than two, each step in one of them at most.
std::vector<std::vector<Step>> longer_rings(const Steps &steps, std::vector<Step> left) {
    std::vector<std::vector<Step>> found;
    for (prune(steps, left); !left.empty(); prune(steps, left)) {
        const std::vector<Step> ring = shortest_ring(steps, left, 0);
        std::set<Pair> gone{{left.front().held_class, left.front().wanted_class}};
        for (const Step &step : ring) {
            gone.insert({step.held_class, step.wanted_class});
        }
        if (!ring.empty()) {
            found.push_back(ring);
        }
        std::erase_if(left, [&](const Step &step) {
            return gone.count({step.held_class, step.wanted_class}) != 0;
        });
    }
    return found;
}

LockCycle cycle_of(const Steps &steps, const std::vector<Step> &ring) {
    LockCycle cycle;
    for (const Step &step : ring) {
        cycle.steps.push_back(
            {step.held->site, step.order->wanted.site, step.order->process, step.order->times});
    }
    cycle.gate = steps.gate(ring);
    return cycle;
}

} // namespace

std::vector<LockCycle> lock_cycles(const Sums &sums) {
    const Steps steps(sums);
    std::vector<Step> left;
    std::vector<std::vector<Step>> rings = opposed_pairs(steps, left);
    for (std::vector<Step> &ring : longer_rings(steps, std::move(left))) {
        rings.push_back(std::move(ring));
    }
    std::vector<LockCycle> cycles;
    std::map<std::pair<bool, std::vector<std::uint32_t>>, std::size_t> known; ///< by their stacks
    for (const std::vector<Step> &ring : rings) {
        LockCycle cycle = cycle_of(steps, ring);
        std::vector<std::uint32_t> stacks;
        for (const OrderStep &step : cycle.steps) {
            stacks.push_back(sums.sites[step.held].stack);
            stacks.push_back(sums.sites[step.wanted].stack);
        }
        const auto [same, added] = known.try_emplace({cycle.gate.has_value(), stacks}, cycles.size());
        if (added) {
            cycles.push_back(std::move(cycle));
        } else {
            ++cycles[same->second].alike;
        }
    }
    return cycles;
}

} // namespace flockstat::reporter
