#include "reporter/analyze/timeline.h"

#include "reporter/analyze/contest.h"
#include "reporter/analyze/endings.h"

#include <algorithm>
#include <numeric>

namespace flockstat::reporter {
namespace {

std::optional<std::size_t> known(std::uint32_t index) {
    return index == no_index ? std::nullopt : std::optional<std::size_t>(index);
}

TimelineBar bar_of(TimelineBar::Kind kind, const Interest &interest) {
    return {kind,
            interest.mode,
            interest.at.lock,
            known(interest.at.stack),
            known(interest.process),
            interest.thread,
            interest.start_at_ns,
            interest.end_at_ns,
            std::nullopt};
}

/// The hold that was in a wait's way the longest.
std::optional<std::size_t> main_obstacle(const Run &run, const Contest &contest, const Interest &wait) {
    const std::vector<Interest> holds = obstacles(run, contest, wait);
    const auto longest = std::ranges::max_element(
        holds, {}, [](const Interest &hold) { return hold.end_at_ns - hold.start_at_ns; });
    return longest == holds.end() ? std::nullopt : std::optional(longest->number);
}

/// What was asked for in vain, and given up.
void add_tries(const Run &run, std::vector<TimelineBar> &bars) {
    for (const Event &event : run.events) {
        if (event.kind == record::EventKind::abandoned && event.lock != no_index) {
            bars.push_back({TimelineBar::Kind::given_up, event.mode, event.lock, known(event.stack),
                            known(event.process), event.thread, event.start_at_ns, event.end_at_ns,
                            std::nullopt});
        }
    }
    const Endings endings(run);
    for (const Episode &episode : run.episodes) {
        if (episode.lock != no_index && endings.is_abandoned(episode)) {
            bars.push_back({TimelineBar::Kind::given_up, episode.mode, episode.lock, known(episode.stack),
                            known(episode.process), 0, episode.first_at_ns, episode.last_at_ns,
                            std::nullopt});
        }
    }
}

/// Who was blocked when the run was read, or when its process ended.
void add_blocked(const Run &run, std::vector<TimelineBar> &bars) {
    for (const Waiting &blocked : run.waiting) {
        const Process &process = run.processes[blocked.process];
        const std::int64_t until_ns =
            process.ending == Ending::running ? run.read_at_ns : process.ended_at_ns;
        if (blocked.lock != no_index) {
            bars.push_back({TimelineBar::Kind::blocked, blocked.mode, blocked.lock, std::nullopt,
                            known(blocked.process), blocked.thread, blocked.since_at_ns,
                            std::max(until_ns, blocked.since_at_ns), std::nullopt});
        }
    }
}

} // namespace

std::vector<TimelineBar> timeline_of(const Run &run) {
    std::vector<TimelineBar> bars;
    bars.reserve(run.events.size() + run.regions.size());
    for (const auto &[file, contest] : contests_of(run)) {
        const std::size_t first = bars.size();
        for (const Interest &hold : contest.holds) {
            bars.push_back(bar_of(TimelineBar::Kind::hold, hold));
        }
        for (const Interest &wait : contest.waits) {
            TimelineBar bar = bar_of(TimelineBar::Kind::wait, wait);
            if (const auto hold = main_obstacle(run, contest, wait)) {
                bar.blocker = first + *hold;
            }
            bars.push_back(bar);
        }
    }
    add_tries(run, bars);
    add_blocked(run, bars);
    return bars;
}

void Sums::add_timeline(const Run &run, std::size_t number, std::size_t first_process) {
    const std::size_t first_bar = timeline.size();
    std::vector<TimelineBar> bars = timeline_of(run);
    if (timeline.empty()) {
        timeline.swap(bars);
    } else {
        timeline.insert(timeline.end(), bars.begin(), bars.end());
    }
    for (TimelineBar &bar : std::span(timeline).subspan(first_bar)) {
        const auto stack = static_cast<std::uint32_t>(bar.site.value_or(no_index));
        bar.lock = locks_of_run_[bar.lock];
        const auto site = site_numbers_.find({bar.lock, stacks_.id(number, stack)});
        bar.site = site == site_numbers_.end() ? std::nullopt : std::optional(site->second);
        if (bar.process) {
            *bar.process += first_process;
        }
        if (bar.blocker) {
            *bar.blocker += first_bar;
        }
    }
}

void add_timeline(const Sums &sums, std::span<const std::size_t> lock_places,
                  std::span<const std::size_t> site_places, std::span<const std::size_t> process_places,
                  Report &report) {
    std::vector<std::size_t> order(sums.timeline.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return sums.timeline[i].start_at_ns; });
    std::vector<std::size_t> places(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        places[order[i]] = i;
    }
    report.timeline.reserve(order.size());
    for (const std::size_t number : order) {
        TimelineBar bar = sums.timeline[number];
        bar.lock = lock_places[bar.lock];
        bar.site = bar.site ? std::optional(site_places[*bar.site]) : std::nullopt;
        bar.process = bar.process ? std::optional(process_places[*bar.process]) : std::nullopt;
        bar.blocker = bar.blocker ? std::optional(places[*bar.blocker]) : std::nullopt;
        report.timeline.push_back(bar);
    }
}

} // namespace flockstat::reporter
