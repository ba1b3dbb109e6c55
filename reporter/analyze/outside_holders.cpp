#include "reporter/analyze/outside_holders.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace flockstat::reporter {
namespace {

bool is_unexplained(const WantedLock &wanted) {
    return wanted.lock != no_index && wanted.wait_ns >= long_wait_ns && wanted.behind.empty();
}

} // namespace

bool needs_outside_holders(const LiveLocks &locks) {
    return std::ranges::any_of(locks.wanted, is_unexplained);
}

std::vector<OutsideHolder> outside_holders(const Run &run, const LiveLocks &locks,
                                           std::span<const KernelLock> held) {
    std::set<std::int32_t> inside;
    for (const Process &process : run.processes) {
        if (process.ending == Ending::running) {
            inside.insert(process.pid);
        }
    }
    std::vector<OutsideHolder> holders;
    std::set<std::tuple<std::uint32_t, std::int32_t, std::int64_t>> known;
    for (const WantedLock &wanted : locks.wanted) {
        if (!is_unexplained(wanted)) {
            continue;
        }
        KernelLock listed = as_kernel_lock(run.locks[wanted.lock], wanted.mode);
        listed.range_start = wanted.range_start;
        listed.range_end = wanted.range_end;
        for (const KernelLock &lock : held) {
            if (inside.count(lock.pid) == 0 && is_in_the_way(lock, listed) &&
                known.insert({wanted.lock, lock.pid, lock.range_start}).second) {
                holders.push_back({wanted.lock, lock.pid, command_of(lock.pid), lock.mode, lock.range_start,
                                   lock.range_end});
            }
        }
    }
    return holders;
}

std::vector<OutsideHolder> outside_holders(const Run &run, const LiveLocks &locks) {
    return needs_outside_holders(locks) ? outside_holders(run, locks, kernel_locks().held)
                                        : std::vector<OutsideHolder>();
}

} // namespace flockstat::reporter
