#include "reporter/analyze/contended_waits.h"

#include "reporter/analyze/endings.h"
#include "reporter/monitor/wait_totals.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace flockstat::reporter {
namespace {

using Change = std::pair<std::int64_t, bool>; ///< when; one more (true), or one less

/// Starts and stops in the order of time. At one moment those who go come first: a lock is handed on.
std::vector<Change> changes_of(const Run &run) {
    std::vector<Change> changes;
    for (const Event &event : run.events) {
        if (event.kind == record::EventKind::acquired && event.start_at_ns < event.end_at_ns) {
            changes.emplace_back(event.start_at_ns, true);
            changes.emplace_back(event.end_at_ns, false);
        }
    }
    for (const Waiting &blocked : run.waiting) {
        if (run.processes[blocked.process].ending == Ending::running) {
            changes.emplace_back(blocked.since_at_ns, true);
        }
    }
    const Endings endings(run);
    for (const Episode &episode : run.episodes) {
        if (!endings.is_abandoned(episode)) {
            changes.emplace_back(episode.first_at_ns, true);
        }
    }
    std::ranges::sort(changes);
    return changes;
}

} // namespace

Concurrency contended_waits(const Run &run) {
    monitor::Concurrency waits;
    for (const auto &[at_ns, one_more] : changes_of(run)) {
        one_more ? waits.start(at_ns) : waits.stop(at_ns);
    }
    return {static_cast<std::uint64_t>(waits.active()), static_cast<std::uint64_t>(waits.max_active()),
            static_cast<std::uint64_t>(std::max<std::int64_t>(waits.busy_ns(run.read_at_ns), 0))};
}

} // namespace flockstat::reporter
