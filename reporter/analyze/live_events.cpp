#include "reporter/analyze/live_events.h"

#include "reporter/analyze/names.h"
#include "reporter/analyze/sums.h"

#include <algorithm>
#include <utility>

namespace flockstat::reporter {
namespace {

using monitor::Aggregation;
using monitor::EventData;

constexpr const char *family_names[record::family_count] = {"flock", "posix", "ofd"};
constexpr const char *release_names[record::release_count] = {"unlock",    "close",      "exit",   "exec",
                                                              "converted", "still_held", "unknown"};

std::int64_t whole(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

EventData labels(const std::string &path, const std::string &family) {
    EventData data = {{"unit", "ns"}};
    if (!family.empty()) {
        data["lock"] = path;
        data["family"] = family;
    }
    return data;
}

monitor::Event event_at(std::string name, std::int64_t at_ns, EventData data) {
    return {std::move(name), std::chrono::system_clock::time_point(std::chrono::nanoseconds(at_ns)),
            std::move(data)};
}

/// An event of the event log as an event for handlers.
monitor::Event event_of(const Run &run, const Event &event) {
    EventData data = {{"family", family_names[static_cast<std::size_t>(event.family)]},
                      {"mode", event.mode == Mode::shared ? "shared" : "exclusive"},
                      {"thread", std::int64_t{event.thread}}};
    if (event.lock != no_index) {
        data["lock"] = run.locks[event.lock].path;
    }
    if (event.process != no_index) {
        data["pid"] = std::int64_t{run.processes[event.process].pid};
    }
    switch (event.kind) {
    case record::EventKind::acquired:
        data["attempts"] = whole(event.attempts);
        data["enter_ns"] = whole(event.duration_ns);
        data["wait_ns"] = whole(event.wait_ns);
        return event_at("flockstat.Acquired", event.end_at_ns, std::move(data));
    case record::EventKind::abandoned:
        data["attempts"] = whole(event.attempts);
        data["tried_ns"] = whole(event.duration_ns);
        return event_at("flockstat.Abandoned", event.end_at_ns, std::move(data));
    case record::EventKind::failed:
        data["error"] = error_name(event.error);
        return event_at("flockstat.Failed", event.end_at_ns, std::move(data));
    default:
        data["held_ns"] = whole(event.duration_ns);
        data["released"] = release_names[static_cast<std::size_t>(event.release)];
        return event_at("flockstat.Held", event.end_at_ns, std::move(data));
    }
}

/// The run's sums of one counter, all modes together.
struct Total {
    std::uint64_t count = 0, sum_ns = 0;

    Total &operator+=(const Samples &samples) {
        count = saturating_add(count, samples.count);
        sum_ns = saturating_add(sum_ns, samples.sum_ns);
        return *this;
    }
};

struct LockTotals {
    Total enter, region, exit, wait;
};

} // namespace

/// One counter of one lock. Each window ends at a reading of the run, so the Stat's clock moves with those:
/// one window size a reading.
struct LiveEvents::Counter {
    Counter(const std::string &name, std::vector<Aggregation> aggregations, const LiveEvents &owner,
            EventData data)
        : stat(name, std::move(aggregations), owner.window_,
               {.labels = std::move(data), .clock = [&owner] {
                    return std::chrono::steady_clock::time_point(owner.window_ * owner.number_);
                }}) {}

    /// Brings it up to the run's sum: what `open` lacks is samples that were not seen one by one. Nothing is
    /// made of those where they are still to come (`one_by_one`), nor of a reading of the clock that is a
    /// little different each time.
    void catch_up(const Total &total, bool one_by_one = false) {
        const std::int64_t missing = whole(total.count) - told.count - open.count;
        const std::int64_t rest_ns = whole(total.sum_ns) - told.sum - open.sum;
        if (missing > 0 && !one_by_one) {
            const std::int64_t sum_ns = std::max<std::int64_t>(rest_ns, 0);
            const std::int64_t mean_ns = sum_ns / missing;
            open.add_all({missing, sum_ns, mean_ns, mean_ns, mean_ns});
        } else if (open.count > 0 && (missing == 0 || (missing < 0 && !one_by_one))) {
            open.count = std::max<std::int64_t>(open.count + missing, 0);
            open.sum = std::max<std::int64_t>(open.sum + rest_ns, 0);
            open.max = std::max(open.max, open.count == 0 ? 0 : open.sum / open.count);
        }
    }

    void close() {
        told.add_all(open);
        stat.add_all(std::exchange(open, {}));
        stat.close();
    }

    monitor::SampleSum<std::int64_t> told; ///< in all windows before
    monitor::SampleSum<std::int64_t> open; ///< since then
    monitor::Stat<std::int64_t> stat;
};

LiveEvents::LiveEvents(std::chrono::milliseconds window, std::int64_t started_at_ns)
    : window_(window), start_at_ns_(started_at_ns) {}

LiveEvents::~LiveEvents() = default;

LiveEvents::Counter &LiveEvents::counter(const std::string &name, const std::string &path,
                                         const std::string &family) {
    std::unique_ptr<Counter> &found = counters_[{name, path, family}];
    if (found == nullptr) {
        std::vector<Aggregation> aggregations = {Aggregation::count, Aggregation::sum, Aggregation::mean};
        if (name == "filelock.wait") {
            aggregations.push_back(Aggregation::max);
        }
        found = std::make_unique<Counter>(name, std::move(aggregations), *this, labels(path, family));
    }
    return *found;
}

void LiveEvents::add_events(const Run &run) {
    for (const Event &event : run.events) {
        if (!seen_.insert(event.place).second) {
            continue;
        }
        log_event(event_of(run, event));
        if (event.kind == record::EventKind::acquired && event.lock != no_index) {
            const Lock &lock = run.locks[event.lock];
            counter("filelock.wait", lock.path, family_names[static_cast<std::size_t>(lock.family)])
                .open.add(whole(event.wait_ns));
        }
    }
}

void LiveEvents::add_locks(const Run &run, bool last) {
    const MergedStacks stacks(run);
    Sums sums(stacks, Timeline::left_out);
    sums.add(run, 0);
    std::map<std::pair<std::string, std::string>, LockTotals> totals;
    for (const LockSum &lock : sums.locks) {
        LockTotals &total =
            totals[{lock.lock.path, family_names[static_cast<std::size_t>(lock.lock.family)]}];
        for (std::size_t mode = 0; mode < 2; ++mode) {
            total.enter += lock.enter[mode];
            total.region += lock.region[mode];
            total.wait += lock.wait[mode];
        }
        total.exit += lock.exit;
    }
    for (const auto &[lock, total] : totals) {
        const auto &[path, family] = lock;
        counter("filelock.enter", path, family).catch_up(total.enter);
        counter("filelock.region", path, family).catch_up(total.region);
        counter("filelock.exit", path, family).catch_up(total.exit);
        counter("filelock.wait", path, family).catch_up(total.wait, !last && run.lost.events == 0);
    }
}

void LiveEvents::add_wait_counters(const Run &run) {
    std::map<std::string, Total> totals;
    for (const WaitCounter &waits : run.wait_counters) {
        totals[waits.name] += waits.waits;
    }
    for (const auto &[name, total] : totals) {
        counter(name, "", "").catch_up(total);
    }
}

void LiveEvents::log_window(const Run &run) {
    const auto alive = std::ranges::count(run.processes, Ending::running, &Process::ending);
    const auto waiting = std::ranges::count_if(run.waiting, [&](const Waiting &blocked) {
        return run.processes[blocked.process].ending == Ending::running;
    });
    const std::int64_t duration_ns = std::max<std::int64_t>(run.read_at_ns - start_at_ns_, 0);
    log_event(event_at("flockstat.Window", run.read_at_ns,
                       {{"start_ns", start_at_ns_},
                        {"duration_ns", duration_ns},
                        {"processes", std::int64_t{alive}},
                        {"waiting", std::int64_t{waiting}}}));
    start_at_ns_ += duration_ns;
}

void LiveEvents::close_window(const Run &run, bool last) {
    ++number_;
    add_events(run);
    add_locks(run, last);
    add_wait_counters(run);
    for (const auto &[key, counter] : counters_) {
        counter->close();
    }
    log_window(run);
}

} // namespace flockstat::reporter
