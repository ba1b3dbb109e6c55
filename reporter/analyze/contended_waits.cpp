#include "reporter/analyze/contended_waits.h"

#include "reporter/analyze/endings.h"
#include "reporter/monitor/wait_totals.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace flockstat::reporter {
namespace {

/// When; one more (true), or one less; for which lock.
using Change = std::tuple<std::int64_t, bool, std::uint32_t>;

/// Starts and stops in the order of time. At one moment those who go come first: a lock is handed on.
std::vector<Change> changes_of(const Run &run) {
    std::vector<Change> changes;
    for (const Event &event : run.events) {
        if (event.kind == record::EventKind::acquired && event.start_at_ns < event.end_at_ns) {
            changes.emplace_back(event.start_at_ns, true, event.lock);
            changes.emplace_back(event.end_at_ns, false, event.lock);
        }
    }
    for (const Waiting &blocked : run.waiting) {
        if (run.processes[blocked.process].ending == Ending::running) {
            changes.emplace_back(blocked.since_at_ns, true, blocked.lock);
        }
    }
    const Endings endings(run);
    for (const Episode &episode : run.episodes) {
        if (!endings.is_abandoned(episode)) {
            changes.emplace_back(episode.first_at_ns, true, episode.lock);
        }
    }
    std::ranges::sort(changes);
    return changes;
}

Concurrency concurrency_of(const monitor::Concurrency &waits, const Run &run) {
    return {static_cast<std::uint64_t>(waits.active()), static_cast<std::uint64_t>(waits.max_active()),
            static_cast<std::uint64_t>(std::max<std::int64_t>(waits.busy_ns(run.read_at_ns), 0))};
}

void count(monitor::Concurrency &waits, bool one_more, std::int64_t at_ns) {
    one_more ? waits.start(at_ns) : waits.stop(at_ns);
}

} // namespace

ContendedWaits contended_waits(const Run &run) {
    monitor::Concurrency all;
    std::map<std::uint32_t, monitor::Concurrency> by_lock;
    for (const auto &[at_ns, one_more, lock] : changes_of(run)) {
        count(all, one_more, at_ns);
        count(by_lock[lock], one_more, at_ns);
    }
    ContendedWaits waits{concurrency_of(all, run), {}};
    for (const auto &[lock, its] : by_lock) {
        waits.by_lock[lock] = concurrency_of(its, run);
    }
    return waits;
}

} // namespace flockstat::reporter
