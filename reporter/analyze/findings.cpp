#include "reporter/analyze/findings.h"

#include "reporter/analyze/lock_order.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

std::string listed(const std::vector<std::string> &names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    }
    return text;
}

std::string order_message(const Sums &sums, const LockCycle &cycle) {
    std::vector<std::string> paths;
    for (const OrderStep &step : cycle.steps) {
        paths.push_back(sums.locks[sums.sites[step.held].lock].lock.path);
    }
    std::string text = listed(paths) + (paths.size() == 2 ? " are locked in both orders"
                                                          : " are locked in an order that is a ring");
    if (cycle.gate) {
        text += ", but only with " + sums.locks[*cycle.gate].lock.path +
                " held around it: as long as that is so nobody waits for ever.";
    } else {
        text += ": processes that do so at the same time wait for one another for ever.";
    }
    if (cycle.alike != 0) {
        text += fmt::format(" The same code does so with {} more.",
                            cycle.alike == 1 ? std::string("one set of files")
                                             : fmt::format("{} sets of files", cycle.alike));
    }
    return text;
}

bool is_convoy(const LockReport &lock) {
    const FairnessReport &fairness = lock.fairness;
    return lock.contended >= convoy_waits && 2 * lock.contended >= lock.acquisitions &&
           fairness.longest_queue >= convoy_queue &&
           lock.wait.sum_ns / convoy_mean_tenths >= fairness.queued_ns / 10;
}

FindingReport convoy_finding(const LockReport &lock) {
    FindingReport finding;
    finding.kind = "convoy";
    finding.count = lock.contended;
    finding.message = fmt::format(
        "{}: threads queue for it, {:.1f} on average and up to {} at once, and {} of {} acquisitions had to "
        "wait.",
        lock.name(), static_cast<double>(lock.wait.sum_ns) / static_cast<double>(lock.fairness.queued_ns),
        lock.fairness.longest_queue, lock.contended, lock.acquisitions);
    return finding;
}

FindingReport starvation_finding(const Report &report, const LockReport &lock,
                                 const OvertakenReport &overtaken) {
    FindingReport finding;
    const bool by_readers =
        overtaken.mode == Mode::exclusive && 2 * overtaken.behind_shared_ns >= overtaken.wait_ns;
    const bool reader = overtaken.mode == Mode::shared;
    finding.kind = by_readers ? "writer-starved-by-readers"
                   : reader   ? "reader-starved-by-writers"
                              : "starvation";
    finding.count = overtaken.times;
    const std::string who = overtaken.process
                                ? fmt::format("pid {}", report.processes[*overtaken.process].pid)
                                : std::string("a thread");
    finding.message =
        fmt::format("{}: {} waited {:.3g} s for it{}, while {} who asked later got it.", lock.name(), who,
                    static_cast<double>(overtaken.wait_ns) * 1e-9,
                    by_readers ? ", as a writer behind readers"
                    : reader   ? ", as a reader behind writers"
                               : "",
                    overtaken.times == 1 ? std::string("one") : fmt::format("{} others", overtaken.times));
    finding.sites.push_back(overtaken.site);
    finding.roles.emplace_back("waiting for");
    return finding;
}

} // namespace

void add_fairness_findings(Report &report) {
    for (std::size_t i = 0; i < report.locks.size(); ++i) {
        const LockReport &lock = report.locks[i];
        std::vector<FindingReport> found;
        if (is_convoy(lock)) {
            found.push_back(convoy_finding(lock));
        }
        const auto &overtaken = lock.fairness.overtaken;
        if (overtaken && overtaken->wait_ns >= starved_ns && overtaken->times >= starved_times) {
            found.push_back(starvation_finding(report, lock, *overtaken));
        }
        for (FindingReport &finding : found) {
            finding.lock = i;
            report.findings.push_back(std::move(finding));
        }
    }
}

void add_order_findings(const Sums &sums, const ReportPlaces &places, Report &report) {
    for (const LockCycle &cycle : lock_cycles(sums)) {
        FindingReport finding;
        finding.kind = cycle.gate ? "lock-order-gated" : "lock-order-inversion";
        finding.lock = places.locks[sums.sites[cycle.steps.front().held].lock];
        finding.message = order_message(sums, cycle);
        for (const OrderStep &step : cycle.steps) {
            finding.sites.push_back(places.sites[step.held]);
            finding.sites.push_back(places.sites[step.wanted]);
            finding.count += step.times;
            const std::string who =
                step.process ? fmt::format("pid {}", sums.processes[*step.process].process.pid) : "somebody";
            finding.roles.push_back(who + " had");
            finding.roles.emplace_back("and asked for");
        }
        report.findings.push_back(std::move(finding));
    }
}

} // namespace flockstat::reporter
