#include "reporter/write/report_metrics.h"

#include "reporter/write/frame_name.h"
#include "reporter/write/metrics.h"
#include "reporter/write/words.h"

namespace flockstat::reporter {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_stat(const std::string &counter, const std::string &what, const MetricLabels &labels,
              const Stat &stat, Metrics *metrics) {
    const MetricName name{"flockstat_" + counter, true, what};
    metrics->add(name, labels, number(stat.count), number(stat.sum_ns));
    if (stat.count != 0) {
        metrics->set_quantile(name, labels, 0.5, number(stat.p50_ns));
        metrics->set_quantile(name, labels, 0.9, number(stat.p90_ns));
        metrics->set_quantile(name, labels, 0.99, number(stat.p99_ns));
        metrics->set({"flockstat_" + counter + "_max", true, "The longest sample: " + what}, labels,
                     number(stat.max_ns));
    }
}

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
    {"granted", &LockReport::granted},         {"refused", &LockReport::refused},
    {"interrupted", &LockReport::interrupted}, {"deadlocked", &LockReport::deadlocked},
    {"failed", &LockReport::failed},
};

void add_lock(const LockReport &lock, Metrics *metrics) {
    const MetricLabels labels = {{"family", family_word(lock.family)}, {"lock", lock.path}};
    for (const StatMetric &metric : stat_metrics) {
        add_stat(metric.counter, metric.help, labels, lock.*metric.stat, metrics);
    }
    for (const CountMetric &metric : count_metrics) {
        metrics->set({std::string("flockstat_") + metric.name, false, metric.help}, labels,
                     number(lock.*metric.count));
    }
    for (const ResultLabel &result : results) {
        MetricLabels of_result = labels;
        of_result.emplace_back("result", result.result);
        metrics->set({"flockstat_attempts", false, "Calls that asked for the lock, by how they ended."},
                     of_result, number(lock.*result.count));
    }
}

void add_run(const Report &report, Metrics *metrics) {
    metrics->set({"flockstat_run_info", false, "What was recorded."},
                 {{"command", command_line(report.run.command)}, {"host", report.run.host}}, 1);
    metrics->set({"flockstat_run_duration", true, "How long the run took."}, {},
                 number(report.run.duration_ns));
    metrics->set({"flockstat_run_processes", false, "Processes of the run."}, {},
                 number(report.run.processes));
    const std::pair<const char *, std::uint64_t> lost[] = {{"events", report.lost.events},
                                                           {"processes", report.lost.processes},
                                                           {"locks", report.lost.locks},
                                                           {"stacks", report.lost.stacks},
                                                           {"calls", report.lost.calls}};
    for (const auto &[what, count] : lost) {
        metrics->set({"flockstat_lost", false, "What the recording had no room for."}, {{"what", what}},
                     number(count));
    }
}

} // namespace

std::string to_metrics(const Report &report) {
    Metrics metrics;
    add_run(report, &metrics);
    for (const LockGroup &group : report.groups) {
        add_lock(group.sum, &metrics);
    }
    for (const auto &[name, stat] : report.counters) {
        if (!name.starts_with("filelock.")) { // those are the locks'
            add_stat(name, name + ", a counter of the program.", {{"counter", name}}, stat, &metrics);
        }
    }
    return metrics.text();
}

} // namespace flockstat::reporter
