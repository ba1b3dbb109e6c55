/// Sums: how locks went from one to the next.
#include "reporter/analyze/fairness.h"
#include "reporter/analyze/sums.h"

#include <algorithm>

namespace flockstat::reporter {

void FairnessSum::merge(const FairnessSum &other) {
    longest_queue = std::max(longest_queue, other.longest_queue);
    queued_ns = saturating_add(queued_ns, other.queued_ns);
    handover[0].merge_summary(other.handover[0]);
    handover[1].merge_summary(other.handover[1]);
    readers_kept_writers_ns = saturating_add(readers_kept_writers_ns, other.readers_kept_writers_ns);
    writers_kept_readers_ns = saturating_add(writers_kept_readers_ns, other.writers_kept_readers_ns);
    if (other.overtaken && (!overtaken || overtaken->wait_ns < other.overtaken->wait_ns)) {
        overtaken = other.overtaken;
    }
    processes.add(other.processes);
}

void Sums::add_fairness(const Run &run, std::size_t number, std::size_t first_process) {
    for (const auto &[lock, fairness] : fairness_of(run)) {
        FairnessSum sum;
        sum.handover[0] = fairness.handover[0];
        sum.handover[1] = fairness.handover[1];
        sum.readers_kept_writers_ns = fairness.readers_kept_writers_ns;
        sum.writers_kept_readers_ns = fairness.writers_kept_readers_ns;
        if (fairness.longest) {
            const Overtaken &wait = *fairness.longest;
            sum.overtaken = {wait.wait_ns,
                             wait.times,
                             wait.behind_shared_ns,
                             wait.mode,
                             site_number(locks_of_run_[wait.at.lock], stacks_.id(number, wait.at.stack)),
                             wait.process == no_index ? std::nullopt
                                                      : std::optional(first_process + wait.process)};
        }
        locks[locks_of_run_[lock]].fairness.merge(sum);
    }
}

} // namespace flockstat::reporter
