#include "reporter/write/report_metrics.h"

#include "reporter/write/frame_name.h"
#include "reporter/write/metrics.h"
#include "reporter/write/words.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace flockstat::reporter {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

/// A Stat as a summary, and a gauge for its maximum.
class StatMetrics {
public:
    StatMetrics(const std::string &counter, const std::string &what, Metrics *metrics)
        : summary_(metrics->summary({"flockstat_" + counter, true, what})),
          max_(metrics->gauge({"flockstat_" + counter + "_max", true, "The longest sample: " + what})) {}

    void add(Metrics::Labels labels, const Stat &stat) {
        summary_.add(labels, number(stat.count), number(stat.sum_ns));
        if (stat.count != 0) {
            summary_.set_quantile(labels, 0.5, number(stat.p50_ns));
            summary_.set_quantile(labels, 0.9, number(stat.p90_ns));
            summary_.set_quantile(labels, 0.99, number(stat.p99_ns));
            max_.set(labels, number(stat.max_ns));
        }
    }

private:
    Metrics::Metric &summary_;
    Metrics::Metric &max_;
};

struct StatMetric {
    const char *counter;
    const char *help;
    Stat LockReport::*stat;
};
constexpr StatMetric stat_metrics[] = {
    {"filelock_enter", "From the first attempt to the grant.", &LockReport::enter},
    {"filelock_region", "From the grant to the start of the release.", &LockReport::region},
    {"filelock_exit", "Duration of the calls that release.", &LockReport::exit},
    {"filelock_wait", "Enter of the contended acquisitions.", &LockReport::wait},
    {"filelock_overshoot", "What polling itself added to waits.", &LockReport::overshoot},
};

struct CountMetric {
    const char *name;
    const char *help;
    std::uint64_t LockReport::*count;
};
constexpr CountMetric count_metrics[] = {
    {"acquisitions", "Locks that were got.", &LockReport::acquisitions},
    {"contended", "Acquisitions that found the lock taken.", &LockReport::contended},
    {"polled", "Acquisitions that were refused at first.", &LockReport::polled},
    {"abandoned", "Attempts that were given up.", &LockReport::abandoned},
    {"unlocks", "Calls that release.", &LockReport::unlocks},
    {"tests", "Calls that only ask.", &LockReport::tests},
};

struct ResultLabel {
    const char *result;
    std::uint64_t LockReport::*count;
};
constexpr ResultLabel results[] = {
    {"deadlocked", &LockReport::deadlocked}, {"failed", &LockReport::failed},
    {"granted", &LockReport::granted},       {"interrupted", &LockReport::interrupted},
    {"refused", &LockReport::refused},
};

struct LabelledLock {
    const LockReport *lock;
    Metrics::Labels labels;
    std::array<Metrics::Labels, std::size(results)> with_result;
};

/// In the order of their labels, more or less.
std::vector<LabelledLock> labelled_locks(const Report &report, Metrics *metrics) {
    std::vector<LabelledLock> locks;
    for (const LockGroup &group : report.groups) {
        locks.push_back({&group.sum, nullptr, {}});
    }
    std::ranges::sort(locks, {}, [](const LabelledLock &one) {
        return std::pair(family_word(one.lock->family), std::string_view(one.lock->name()));
    });
    for (LabelledLock &one : locks) {
        MetricLabels labels = {{"family", family_word(one.lock->family)}, {"lock", one.lock->name()}};
        one.labels = metrics->labels(labels);
        labels.emplace_back("result", "");
        for (std::size_t i = 0; i < std::size(results); ++i) {
            labels.back().second = results[i].result;
            one.with_result[i] = metrics->labels(labels);
        }
    }
    return locks;
}

void add_locks(const Report &report, Metrics *metrics) {
    const std::vector<LabelledLock> locks = labelled_locks(report, metrics);
    for (const StatMetric &metric : stat_metrics) {
        StatMetrics stats(metric.counter, metric.help, metrics);
        for (const LabelledLock &one : locks) {
            stats.add(one.labels, one.lock->*metric.stat);
        }
    }
    for (const CountMetric &metric : count_metrics) {
        Metrics::Metric &gauge =
            metrics->gauge({std::string("flockstat_") + metric.name, false, metric.help});
        for (const LabelledLock &one : locks) {
            gauge.set(one.labels, number(one.lock->*metric.count));
        }
    }
    Metrics::Metric &attempts =
        metrics->gauge({"flockstat_attempts", false, "Calls that asked for the lock, by how they ended."});
    for (const LabelledLock &one : locks) {
        for (std::size_t i = 0; i < std::size(results); ++i) {
            attempts.set(one.with_result[i], number(one.lock->*results[i].count));
        }
    }
}

void add_run(const Report &report, Metrics *metrics) {
    const auto set = [&](const MetricName &name, const MetricLabels &labels, double value) {
        metrics->gauge(name).set(metrics->labels(labels), value);
    };
    set({"flockstat_run_info", false, "What was recorded."},
        {{"command", command_line(report.run.command)}, {"host", report.run.host}}, 1);
    set({"flockstat_run_duration", true, "How long the run took."}, {}, number(report.run.duration_ns));
    set({"flockstat_run_processes", false, "Processes of the run."}, {}, number(report.run.processes));
    const std::pair<const char *, std::uint64_t> lost[] = {{"events", report.lost.events},
                                                           {"processes", report.lost.processes},
                                                           {"locks", report.lost.locks},
                                                           {"stacks", report.lost.stacks},
                                                           {"calls", report.lost.calls}};
    for (const auto &[what, count] : lost) {
        set({"flockstat_lost", false, "What the recording had no room for."}, {{"what", what}},
            number(count));
    }
}

} // namespace

void write_metrics(const Report &report, const TextSink &sink) {
    Metrics metrics;
    add_run(report, &metrics);
    add_locks(report, &metrics);
    for (const auto &[name, stat] : report.counters) {
        if (!name.starts_with("filelock.")) { // those are the locks'
            StatMetrics(name, name + ", a counter of the program.", &metrics)
                .add(metrics.labels({{"counter", name}}), stat);
        }
    }
    metrics.write(sink);
}

} // namespace flockstat::reporter
