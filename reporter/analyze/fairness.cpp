#include "reporter/analyze/fairness.h"

#include <algorithm>
#include <tuple>

namespace flockstat::reporter {
namespace {

/// What tells a grant: who, what, when. A hold begins at the moment at which its wait ended.
using Grant = std::tuple<std::uint32_t, std::int32_t, std::uint32_t, std::int64_t>;

Grant grant_of(const Interest &interest, std::int64_t at_ns) {
    return {interest.process, interest.thread, interest.at.lock, at_ns};
}

/// When those who hold asked for it: they waited, or came and got it.
class Askers {
public:
    explicit Askers(const Contest &contest) {
        for (const Interest &wait : contest.waits) {
            asked_at_ns_[grant_of(wait, wait.end_at_ns)] = wait.start_at_ns;
        }
    }

    [[nodiscard]] std::int64_t asked_at_ns(const Interest &hold) const {
        const auto found = asked_at_ns_.find(grant_of(hold, hold.start_at_ns));
        return found == asked_at_ns_.end() ? hold.start_at_ns : found->second;
    }

private:
    std::map<Grant, std::int64_t> asked_at_ns_;
};

/// How often somebody else, who asked later, got it in this wait.
std::uint64_t times_overtaken(const Askers &askers, const std::vector<Interest> &in_the_way,
                              const Interest &wait) {
    return static_cast<std::uint64_t>(std::ranges::count_if(in_the_way, [&](const Interest &hold) {
        return hold.start_at_ns > wait.start_at_ns && askers.asked_at_ns(hold) > wait.start_at_ns;
    }));
}

/// The time that any of the holds of a mode covers; they are by start.
std::uint64_t covered_ns(const std::vector<Interest> &holds, Mode mode) {
    std::int64_t covered = 0;
    std::int64_t until_ns = INT64_MIN;
    for (const Interest &hold : holds) {
        if (hold.mode == mode && hold.end_at_ns > until_ns) {
            covered += hold.end_at_ns - std::max(hold.start_at_ns, until_ns);
            until_ns = hold.end_at_ns;
        }
    }
    return static_cast<std::uint64_t>(covered);
}

void add_handover(Fairness &fairness, const std::vector<Interest> &in_the_way, const Interest &wait) {
    std::int64_t released_at_ns = INT64_MIN;
    for (const Interest &hold : in_the_way) {
        released_at_ns = std::max(released_at_ns, hold.end_at_ns);
    }
    if (!in_the_way.empty()) {
        fairness.handover[wait.polled ? 1 : 0].merge_summary(
            one_sample(static_cast<std::uint64_t>(wait.end_at_ns - released_at_ns), wait.end_at_ns));
    }
}

void add_wait(Fairness &fairness, const Askers &askers, const std::vector<Interest> &in_the_way,
              const Interest &wait) {
    add_handover(fairness, in_the_way, wait);
    const std::uint64_t behind_shared_ns = covered_ns(in_the_way, Mode::shared);
    if (wait.mode == Mode::exclusive) {
        fairness.readers_kept_writers_ns += behind_shared_ns;
    } else {
        fairness.writers_kept_readers_ns += covered_ns(in_the_way, Mode::exclusive);
    }
    const auto wait_ns =
        static_cast<std::uint64_t>(std::max<std::int64_t>(wait.end_at_ns - wait.start_at_ns, 0));
    if (fairness.longest && fairness.longest->wait_ns >= wait_ns) {
        return;
    }
    if (const std::uint64_t times = times_overtaken(askers, in_the_way, wait); times != 0) {
        fairness.longest = {wait_ns, times, behind_shared_ns, wait.at, wait.process, wait.mode};
    }
}

} // namespace

std::map<std::uint32_t, Fairness> fairness_of(const Run &run) {
    std::map<std::uint32_t, Fairness> all;
    for (const auto &[file, contest] : contests_of(run)) {
        const Askers askers(contest);
        for (const Interest &wait : contest.waits) {
            add_wait(all[wait.at.lock], askers, obstacles(run, contest, wait), wait);
        }
    }
    return all;
}

} // namespace flockstat::reporter
