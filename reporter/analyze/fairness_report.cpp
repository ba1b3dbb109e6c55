#include "reporter/analyze/fairness_report.h"

#include "reporter/analyze/stat_of.h"

#include <algorithm>
#include <functional>

namespace flockstat::reporter {

FairnessReport fairness_report(FairnessSum &sum, const ReportPlaces &places) {
    FairnessReport report;
    report.longest_queue = sum.longest_queue;
    report.queued_ns = sum.queued_ns;
    report.blocked = short_stat(sum.handover[0]);
    report.polling = short_stat(sum.handover[1]);
    report.readers_kept_writers_ns = sum.readers_kept_writers_ns;
    report.writers_kept_readers_ns = sum.writers_kept_readers_ns;
    if (sum.overtaken) {
        const OvertakenSum &wait = *sum.overtaken;
        report.overtaken = {wait.wait_ns,
                            wait.times,
                            wait.behind_shared_ns,
                            wait.mode,
                            places.sites[wait.site],
                            wait.process ? std::optional(places.processes[*wait.process]) : std::nullopt};
    }
    for (const ProcessShare &share : sum.processes.all()) {
        report.processes.push_back(
            {places.processes[share.process], share.waits, share.wait_ns, share.holds, share.hold_ns});
    }
    std::ranges::stable_sort(report.processes, std::greater<>(),
                             [](const LockShare &share) { return std::pair(share.hold_ns, share.wait_ns); });
    return report;
}

} // namespace flockstat::reporter
