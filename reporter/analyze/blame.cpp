#include "reporter/analyze/blame.h"

#include "reporter/analyze/conflict.h"
#include "reporter/analyze/endings.h"

#include <algorithm>
#include <map>

namespace flockstat::reporter {
namespace {

/// The longest time from the start of a release to the return of the call that waited for it.
constexpr std::int64_t handover_ns = 1'000'000;

/// A time in which somebody waited for a lock, or held it.
struct Interest {
    LockedAt at;
    std::int64_t start_at_ns = 0, end_at_ns = 0;
    std::int64_t range_start = 0, range_end = 0;
    std::uint32_t process = no_index;
    std::int32_t thread = 0;
    Mode mode = Mode::shared;
};

struct Contest {
    std::vector<Interest> waits;
    std::vector<Interest> holds;              ///< by start
    std::vector<std::int64_t> latest_ends_ns; ///< of holds[0] up to here
};

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
            event.mode};
}

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
                                                                        open.mode});
    }
    for (auto &[file, contest] : contests) {
        std::ranges::sort(contest.holds, {}, &Interest::start_at_ns);
        std::int64_t latest_ns = INT64_MIN;
        for (const Interest &hold : contest.holds) {
            latest_ns = std::max(latest_ns, hold.end_at_ns);
            contest.latest_ends_ns.push_back(latest_ns);
        }
    }
    return contests;
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

/// The holds that were in a wait's way, clipped to it, by start.
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

/// One wait's time by holder; none: nobody's.
using Shares = std::map<std::optional<LockedAt>, std::uint64_t>;

void share(Shares &shares, const std::optional<LockedAt> &holder, std::int64_t ns) {
    if (ns > 0) {
        shares[holder] += static_cast<std::uint64_t>(ns);
    }
}

/// Shares from..to out among all that are in the way then.
void share_equally(Shares &shares, const std::vector<const Interest *> &active, std::int64_t ns) {
    const auto parts = static_cast<std::int64_t>(active.size());
    for (std::int64_t i = 0; i < parts; ++i) { // what does not divide goes to the first ones
        share(shares, active[static_cast<std::size_t>(i)]->at, ns / parts + (i < ns % parts ? 1 : 0));
    }
}

Shares shares_of(const std::vector<Interest> &holds, const Interest &wait) {
    Shares shares;
    std::vector<const Interest *> active;
    const Interest *last = nullptr; // the one that was released latest
    std::size_t next = 0;
    for (std::int64_t now = wait.start_at_ns; now < wait.end_at_ns;) {
        for (; next < holds.size() && holds[next].start_at_ns <= now; ++next) {
            active.push_back(&holds[next]);
        }
        std::int64_t until = next < holds.size() ? holds[next].start_at_ns : wait.end_at_ns;
        for (const Interest *hold : active) {
            until = std::min(until, hold->end_at_ns);
        }
        if (!active.empty()) {
            share_equally(shares, active, until - now);
        } else {
            const std::int64_t handed = last == nullptr ? 0 : std::min(until - now, handover_ns);
            share(shares, last == nullptr ? std::nullopt : std::optional(last->at), handed);
            share(shares, std::nullopt, until - now - handed);
        }
        std::erase_if(active, [&](const Interest *hold) {
            last = hold->end_at_ns <= until ? hold : last;
            return hold->end_at_ns <= until;
        });
        now = until;
    }
    return shares;
}

} // namespace

std::vector<Blame> blame_of(const Run &run) {
    std::map<std::pair<LockedAt, std::optional<LockedAt>>, Blame> sums;
    for (const auto &[file, contest] : contests_of(run)) {
        for (const Interest &wait : contest.waits) {
            for (const auto &[holder, ns] : shares_of(obstacles(run, contest, wait), wait)) {
                Blame &blame = sums[{wait.at, holder}];
                blame.waiter = wait.at;
                blame.holder = holder;
                ++blame.waits;
                blame.wait_ns += ns;
            }
        }
    }
    std::vector<Blame> all;
    for (const auto &[who, blame] : sums) {
        all.push_back(blame);
    }
    return all;
}

} // namespace flockstat::reporter
