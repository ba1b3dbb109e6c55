#include "reporter/analyze/site_processes.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

/// Takes at most `wanted` from what is left.
std::uint64_t take(std::uint64_t &left, std::uint64_t wanted) {
    const std::uint64_t taken = std::min(left, wanted);
    left -= taken;
    return taken;
}

} // namespace

void Sums::add_process_shares(const Run &run, std::size_t number, std::size_t first_process) {
    for (const Event &event : run.events) {
        const bool acquired = event.kind == record::EventKind::acquired;
        const bool held = event.kind == record::EventKind::held && event.release != Release::unknown &&
                          event.release != Release::still_held;
        if ((!acquired && !held) || event.lock == no_index || event.process == no_index) {
            continue;
        }
        const auto found = site_numbers_.find({locks_of_run_[event.lock], stacks_.id(number, event.stack)});
        if (found == site_numbers_.end()) { // its sums were lost
            continue;
        }
        ProcessShare share{.process = first_process + event.process};
        ++(acquired ? share.waits : share.holds);
        (acquired ? share.wait_ns : share.hold_ns) = acquired ? event.wait_ns : event.duration_ns;
        sites[found->second].processes.add(share);
        locks[locks_of_run_[event.lock]].fairness.processes.add(share);
    }
}

void add_site_processes(Sums &sums, std::span<const std::size_t> site_places,
                        std::span<const std::size_t> process_places, Report &report) {
    for (std::size_t i = 0; i < sums.sites.size(); ++i) {
        SiteReport &site = report.sites[site_places[i]];
        SiteProcess left{0, site.wait.count, site.wait.sum_ns, site.region.count, site.region.sum_ns};
        if (report.processes.size() == 1) {
            site.processes.push_back(left);
            continue;
        }
        for (const ProcessShare &share : sums.sites[i].processes.all()) {
            site.processes.push_back({process_places[share.process], take(left.waits, share.waits),
                                      take(left.wait_ns, share.wait_ns), take(left.holds, share.holds),
                                      take(left.hold_ns, share.hold_ns)});
        }
    }
}

} // namespace flockstat::reporter
