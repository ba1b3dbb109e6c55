#include "reporter/analyze/blame.h"

#include "reporter/analyze/contest.h"

#include <algorithm>
#include <map>

namespace flockstat::reporter {
namespace {

/// The longest time from the start of a release to the return of the call that waited for it.
constexpr std::int64_t handover_ns = 1'000'000;

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
