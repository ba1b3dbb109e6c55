#include "reporter/analyze/live_locks.h"

#include "reporter/analyze/conflict.h"
#include "reporter/analyze/endings.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

namespace flockstat::reporter {
namespace {

std::uint64_t since_ns(std::int64_t from_ns, const Run &run) {
    return run.read_at_ns > from_ns ? static_cast<std::uint64_t>(run.read_at_ns - from_ns) : 0;
}

bool is_alive(const Run &run, std::uint32_t process) {
    return process != no_index && run.processes[process].ending == Ending::running;
}

/// The record that a process goes on under: of its latest image.
std::uint32_t latest_image(const Endings &endings, std::uint32_t process) {
    while (process != no_index && endings.exec_successor(process) != no_index) {
        process = endings.exec_successor(process);
    }
    return process;
}

std::vector<HeldLock> held_locks(const Run &run) {
    const Endings endings(run);
    std::vector<HeldLock> held;
    for (const Region &region : run.regions) {
        const std::uint32_t holder = latest_image(endings, region.process);
        if (is_alive(run, holder) && endings.region_end(region).cause == Release::still_held) {
            held.push_back({region.lock, holder, region.stack, region.thread, region.mode, region.range_start,
                            region.range_end, since_ns(region.since_at_ns, run)});
        }
    }
    std::ranges::stable_sort(held, std::greater(), &HeldLock::held_ns);
    return held;
}

std::vector<WantedLock> wanted_locks(const Run &run) {
    const Endings endings(run);
    std::vector<WantedLock> wanted;
    for (const Waiting &waiting : run.waiting) {
        if (is_alive(run, waiting.process)) {
            wanted.push_back({.lock = waiting.lock,
                              .process = waiting.process,
                              .thread = waiting.thread,
                              .mode = waiting.mode,
                              .range_start = waiting.range_start,
                              .range_end = waiting.range_end,
                              .wait_ns = since_ns(waiting.since_at_ns, run),
                              .behind = {}});
        }
    }
    for (const Episode &episode : run.episodes) {
        if (is_alive(run, episode.process) && !endings.is_abandoned(episode)) {
            wanted.push_back({.lock = episode.lock,
                              .process = episode.process,
                              .stack = episode.stack,
                              .mode = episode.mode,
                              .polling = true,
                              .range_start = episode.range_start,
                              .range_end = episode.range_end,
                              .wait_ns = since_ns(episode.first_at_ns, run),
                              .behind = {}});
        }
    }
    std::ranges::stable_sort(wanted, std::greater(), &WantedLock::wait_ns);
    return wanted;
}

bool in_the_way(const Run &run, const HeldLock &held, const WantedLock &wanted) {
    const bool own_posix = held.process == wanted.process && run.locks[held.lock].family == Family::posix &&
                           run.locks[wanted.lock].family == Family::posix;
    return !own_posix && held.range_start <= wanted.range_end && wanted.range_start <= held.range_end &&
           (held.mode == Mode::exclusive || wanted.mode == Mode::exclusive);
}

void find_obstacles(const Run &run, LiveLocks &locks) {
    std::map<ConflictClass, std::vector<std::size_t>> held; // of what somebody wants
    for (const WantedLock &wanted : locks.wanted) {
        if (wanted.lock != no_index) {
            held[conflict_class(run.locks[wanted.lock])];
        }
    }
    for (std::size_t i = 0; i < locks.held.size() && !held.empty(); ++i) {
        const auto file = held.find(conflict_class(run.locks[locks.held[i].lock]));
        if (file != held.end()) {
            file->second.push_back(i);
        }
    }
    for (WantedLock &wanted : locks.wanted) {
        if (wanted.lock == no_index) {
            continue;
        }
        for (const std::size_t i : held[conflict_class(run.locks[wanted.lock])]) {
            if (in_the_way(run, locks.held[i], wanted)) {
                wanted.behind.push_back(i);
            }
        }
    }
}

/// Threads that wait for one another: an edge leads from a thread that waits to those whose locks are in its
/// way. A thread is on a cycle where it is reached from itself.
class Waits {
public:
    explicit Waits(const LiveLocks &locks) : locks_(locks) {
        for (const WantedLock &wanted : locks.wanted) {
            if (!wanted.polling) {
                blocked_[{wanted.process, wanted.thread}] = &wanted;
            }
        }
    }

    [[nodiscard]] bool reaches_itself(const WantedLock &start) const {
        std::set<const WantedLock *> seen;
        std::vector<const WantedLock *> to_visit{&start};
        while (!to_visit.empty()) {
            const WantedLock *from = to_visit.back();
            to_visit.pop_back();
            for (const std::size_t held : from->behind) {
                const auto next = blocked_.find({locks_.held[held].process, locks_.held[held].thread});
                if (next == blocked_.end() || !seen.insert(next->second).second) {
                    continue;
                }
                if (next->second == &start) {
                    return true;
                }
                to_visit.push_back(next->second);
            }
        }
        return false;
    }

private:
    const LiveLocks &locks_;
    std::map<std::pair<std::uint32_t, std::int32_t>, const WantedLock *> blocked_; ///< by process and thread
};

} // namespace

LiveLocks live_locks(const Run &run) {
    LiveLocks locks{held_locks(run), wanted_locks(run)};
    find_obstacles(run, locks);
    const Waits waits(locks);
    for (WantedLock &wanted : locks.wanted) {
        wanted.deadlocked = !wanted.polling && waits.reaches_itself(wanted);
    }
    return locks;
}

} // namespace flockstat::reporter
