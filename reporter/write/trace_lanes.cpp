#include "reporter/write/trace_lanes.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <tuple>

namespace flockstat::reporter {
namespace {

constexpr std::int64_t least_gap_ns = 2;

/// What shares lanes: process (the greatest where it is not known), thread, and whether it holds.
using Group = std::tuple<std::size_t, std::int32_t, bool>;

/// The lanes of one group, while its bars come by start.
class Lanes {
public:
    /// The lane of the next bar.
    std::size_t place(const TimelineBar &bar) {
        while (!busy_.empty() && busy_.top().first + least_gap_ns <= bar.start_at_ns) {
            free_.insert(busy_.top().second);
            busy_.pop();
        }
        const std::size_t lane = free_.empty() ? count_++ : *free_.begin();
        free_.erase(lane);
        busy_.emplace(std::max(bar.start_at_ns, bar.end_at_ns), lane);
        return lane;
    }

    [[nodiscard]] std::size_t count() const { return count_; }

private:
    using Busy = std::pair<std::int64_t, std::size_t>; ///< until when, lane
    std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy_;
    std::set<std::size_t> free_;
    std::size_t count_ = 0;
};

} // namespace

TraceLanes trace_lanes(std::span<const TimelineBar> bars) {
    constexpr std::size_t unknown = SIZE_MAX;
    std::map<Group, Lanes> groups;
    std::vector<std::pair<const Group *, std::size_t>> places;
    places.reserve(bars.size());
    for (const TimelineBar &bar : bars) {
        const bool holds = bar.kind == TimelineBar::Kind::hold;
        const auto group = groups.try_emplace({bar.process.value_or(unknown), bar.thread, holds}).first;
        places.emplace_back(&group->first, group->second.place(bar));
    }

    TraceLanes result;
    std::map<const Group *, std::size_t> first_lanes;
    for (const auto &[group, lanes] : groups) {
        first_lanes[&group] = result.lanes.size();
        const auto &[process, thread, holds] = group;
        for (std::size_t number = 0; number < lanes.count(); ++number) {
            result.lanes.push_back(
                {process == unknown ? std::nullopt : std::optional(process), thread, !holds, number});
        }
    }
    result.of.reserve(bars.size());
    for (const auto &[group, number] : places) {
        result.of.push_back(first_lanes.at(group) + number);
    }
    return result;
}

} // namespace flockstat::reporter
