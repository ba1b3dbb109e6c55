#include "reporter/analyze/contest.h"

#include "reporter/analyze/endings.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

/// Of an acquisition: its wait.
Interest interest_of(const Event &event) {
    const bool waited = event.kind == record::EventKind::acquired;
    const auto wait_ns = static_cast<std::int64_t>(event.wait_ns);
    return {{event.lock, event.stack},
            waited ? event.end_at_ns - wait_ns : event.start_at_ns,
            event.end_at_ns,
            event.range_start,
            event.range_end,
            event.process,
            event.thread,
            event.mode,
            waited && event.attempts > 1};
}

/// Two owners of byte ranges are one where they cannot be told apart: a process, or a thread's own open file.
bool may_be_same_owner(const Run &run, const Interest &a, const Interest &b) {
    const bool posix =
        run.locks[a.at.lock].family == Family::posix && run.locks[b.at.lock].family == Family::posix;
    if (run.locks[a.at.lock].family == Family::flock || a.process == no_index || b.process == no_index) {
        return false;
    }
    const Process &one = run.processes[a.process];
    const Process &other = run.processes[b.process];
    const bool same_process = one.pid == other.pid && one.pid_namespace == other.pid_namespace;
    return same_process && (posix || a.thread == b.thread);
}

bool in_the_way(const Run &run, const Interest &hold, const Interest &wait) {
    return hold.end_at_ns > wait.start_at_ns && hold.start_at_ns < wait.end_at_ns &&
           hold.range_start <= wait.range_end && hold.range_end >= wait.range_start &&
           (hold.mode == Mode::exclusive || wait.mode == Mode::exclusive) &&
           !may_be_same_owner(run, hold, wait);
}

} // namespace

std::map<ConflictClass, Contest> contests_of(const Run &run) {
    std::map<ConflictClass, Contest> contests;
    for (const Event &event : run.events) {
        if (event.lock == no_index) {
            continue;
        }
        if (event.kind == record::EventKind::acquired) {
            contests[conflict_class(run.locks[event.lock])].waits.push_back(interest_of(event));
        } else if (event.kind == record::EventKind::held) {
            contests[conflict_class(run.locks[event.lock])].holds.push_back(interest_of(event));
        }
    }
    const Endings endings(run);
    for (const Region &open : run.regions) {
        const auto held_ns = static_cast<std::int64_t>(endings.region_end(open).held_ns);
        contests[conflict_class(run.locks[open.lock])].holds.push_back({{open.lock, open.stack},
                                                                        open.since_at_ns,
                                                                        open.since_at_ns + held_ns,
                                                                        open.range_start,
                                                                        open.range_end,
                                                                        open.process,
                                                                        open.thread,
                                                                        open.mode,
                                                                        false});
    }
    for (auto &[file, contest] : contests) {
        std::ranges::sort(contest.holds, {}, &Interest::start_at_ns);
        std::int64_t latest_ns = INT64_MIN;
        for (Interest &hold : contest.holds) {
            hold.number = contest.latest_ends_ns.size();
            latest_ns = std::max(latest_ns, hold.end_at_ns);
            contest.latest_ends_ns.push_back(latest_ns);
        }
    }
    return contests;
}

std::vector<Interest> obstacles(const Run &run, const Contest &contest, const Interest &wait) {
    std::vector<Interest> found;
    const auto first = std::ranges::upper_bound(contest.latest_ends_ns, wait.start_at_ns);
    for (auto i = static_cast<std::size_t>(first - contest.latest_ends_ns.begin());
         i < contest.holds.size() && contest.holds[i].start_at_ns < wait.end_at_ns; ++i) {
        if (in_the_way(run, contest.holds[i], wait)) {
            found.push_back(contest.holds[i]);
            found.back().start_at_ns = std::max(found.back().start_at_ns, wait.start_at_ns);
            found.back().end_at_ns = std::min(found.back().end_at_ns, wait.end_at_ns);
        }
    }
    std::ranges::stable_sort(found, {}, &Interest::start_at_ns);
    return found;
}

} // namespace flockstat::reporter
