#include "reporter/analyze/sums.h"

#include "reporter/analyze/blame.h"
#include "reporter/analyze/contended_waits.h"
#include "reporter/analyze/endings.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

bool is_acquire(LeafKind kind) {
    return kind == LeafKind::acquire_shared || kind == LeafKind::acquire_exclusive;
}

std::size_t mode_index(LeafKind kind) { return kind == LeafKind::acquire_exclusive ? 1 : 0; }

void add_errors(const Leaf &leaf, std::map<int, std::uint64_t> &errors) {
    for (const ErrorTally &tally : leaf.errors) {
        errors[tally.error] += tally.count;
    }
}

/// Most locks are of one host, and share its list.
void add_host(const HostList &host, HostList *hosts) {
    if (*hosts == nullptr) {
        *hosts = host;
    } else if (*hosts != host && std::ranges::find(**hosts, host->front()) == (*hosts)->end()) {
        std::vector<std::string> more = **hosts;
        more.insert(std::ranges::upper_bound(more, host->front()), host->front());
        *hosts = std::make_shared<const std::vector<std::string>>(std::move(more));
    }
}

std::uint64_t elapsed_ns(std::int64_t from_ns, std::int64_t to_ns) {
    return to_ns > from_ns ? static_cast<std::uint64_t>(to_ns - from_ns) : 0;
}

} // namespace

void AttemptSum::add(const Leaf &leaf) {
    granted += leaf.first.count;
    refused += leaf.refused;
    interrupted += leaf.interrupted;
    deadlocked += leaf.deadlocked;
    failed += leaf.failed;
}

void AttemptSum::merge(const AttemptSum &other) {
    granted += other.granted;
    refused += other.refused;
    interrupted += other.interrupted;
    deadlocked += other.deadlocked;
    failed += other.failed;
}

void OutsideSum::merge(const OutsideSum &other) {
    pid = other.pid;
    processes += other.processes;
    seen_ns = saturating_add(seen_ns, other.seen_ns);
}

void LockSum::merge(const LockSum &other) {
    attempts.merge(other.attempts);
    tests += other.tests;
    unlocks += other.unlocks;
    polled += other.polled;
    abandoned += other.abandoned;
    abandoned_ns = saturating_add(abandoned_ns, other.abandoned_ns);
    held_open_ns = saturating_add(held_open_ns, other.held_open_ns);
    for (const auto &[error, count] : other.errors) {
        errors[error] += count;
    }
    held_by.insert(held_by.end(), other.held_by.begin(), other.held_by.end());
    for (const auto &[who, seen] : other.held_outside) {
        held_outside[who].merge(seen);
    }
    for (std::size_t i = 0; i < released.size(); ++i) {
        released[i] += other.released[i];
    }
    for (std::size_t mode = 0; mode < 2; ++mode) {
        enter[mode].merge(other.enter[mode]);
        region[mode].merge(other.region[mode]);
        wait[mode].merge(other.wait[mode]);
    }
    exit.merge(other.exit);
    overshoot.merge(other.overshoot);
    fairness.merge(other.fairness);
    for (const std::string &host : other.hosts == nullptr ? std::vector<std::string>() : *other.hosts) {
        add_host(std::make_shared<const std::vector<std::string>>(1, host), &hosts);
    }
}

void WaitCounterSum::add(const WaitCounter &counter) {
    waits.merge(counter.waits);
    concurrency.active += counter.active;
    concurrency.max_active = std::max(concurrency.max_active, counter.max_active);
    concurrency.busy_ns = saturating_add(concurrency.busy_ns, counter.busy_ns);
}

void Sums::add_wait_counters(const Run &run, std::size_t first_process) {
    for (const WaitCounter &counter : run.wait_counters) {
        wait_counters[counter.name].add(counter);
        processes[first_process + counter.process].wait_counters[counter.name].add(counter);
    }
}

void Sums::add(const Run &run, std::size_t number) {
    locks_of_run_.clear();
    const auto host = std::make_shared<const std::vector<std::string>>(1, run.host);
    for (const Lock &lock : run.locks) {
        locks_of_run_.push_back(lock_number(lock, host));
    }
    const std::size_t first_process = processes.size();
    for (const Process &process : run.processes) {
        processes.push_back({process, process.region, {}});
    }
    for (const Leaf &leaf : run.leaves) {
        add_leaf(leaf, stacks_.id(number, leaf.stack));
    }
    add_regions(run, number, first_process);
    add_episodes(run, number);
    add_waiting(run);
    add_orders(run, number, first_process);
    add_wait_counters(run, first_process);
    add_outside_holders(run);
    const ContendedWaits waits = contended_waits(run);
    const Concurrency &at_once = waits.all;
    contended = {contended.active + at_once.active, std::max(contended.max_active, at_once.max_active),
                 saturating_add(contended.busy_ns, at_once.busy_ns)};
    for (const auto &[lock, queue] : waits.by_lock) {
        if (lock != no_index) {
            FairnessSum queued;
            queued.longest_queue = queue.max_active;
            queued.queued_ns = queue.busy_ns;
            locks[locks_of_run_[lock]].fairness.merge(queued);
        }
    }
    add_blame(run, number);
    add_fairness(run, number, first_process);
    if (timeline_ == Timeline::wanted) {
        add_timeline(run, number, first_process);
    }
    add_process_shares(run, number, first_process);
}

std::size_t Sums::lock_number(const Lock &lock, const HostList &host) {
    const std::size_t number = lock.network.file_system.empty()
                                   ? lock_numbers_
                                         .try_emplace({.place = host->front(),
                                                       .path = lock.path,
                                                       .device_major = lock.device_major,
                                                       .device_minor = lock.device_minor,
                                                       .inode = lock.inode,
                                                       .birth_seconds = lock.birth_seconds,
                                                       .birth_nanoseconds = lock.birth_nanoseconds,
                                                       .family = lock.family},
                                                      locks.size())
                                         .first->second
                                   : network_lock_number(lock);
    if (number == locks.size()) {
        locks.emplace_back().lock = lock;
    }
    add_host(host, &locks[number].hosts);
    return number;
}

/// Hosts that mount different directories of a server call its file system differently (nas1:/export and
/// nas1:/export/home, or a directory that a container has): there the whole name of the file tells.
std::size_t Sums::network_lock_number(const Lock &lock) {
    LockKey by_file_system{.place = lock.network.file_system,
                           .network = true,
                           .path = {},
                           .inode = lock.inode,
                           .birth_seconds = lock.birth_seconds,
                           .birth_nanoseconds = lock.birth_nanoseconds,
                           .family = lock.family};
    LockKey by_name = by_file_system;
    by_name.place.clear();
    by_name.path = lock.network.path;
    const auto known = lock_numbers_.find(by_file_system);
    const auto named = by_name.path.empty() ? lock_numbers_.end() : lock_numbers_.find(by_name);
    const std::size_t number = known != lock_numbers_.end()   ? known->second
                               : named != lock_numbers_.end() ? named->second
                                                              : locks.size();
    lock_numbers_.try_emplace(std::move(by_file_system), number);
    if (!by_name.path.empty()) {
        lock_numbers_.try_emplace(std::move(by_name), number);
    }
    return number;
}

std::size_t Sums::site_number(std::size_t lock, std::uint32_t stack) {
    const auto [found, added] = site_numbers_.try_emplace({lock, stack}, sites.size());
    if (added) {
        SiteSum &made = sites.emplace_back();
        made.lock = lock;
        made.stack = stack;
    }
    return found->second;
}

void Sums::add_leaf(const Leaf &leaf, std::uint32_t stack) {
    if (is_acquire(leaf.kind)) {
        enter.add(leaf.first);
        region.add(leaf.region);
    } else if (leaf.kind == LeafKind::release) {
        exit.add(leaf.first);
    }
    if (leaf.lock == no_index) {
        UnattributedSum &sum = unattributed[static_cast<std::size_t>(leaf.family)];
        if (is_acquire(leaf.kind)) {
            sum.attempts.add(leaf);
        } else {
            (leaf.kind == LeafKind::release ? sum.unlocks : sum.tests) += leaf.calls;
        }
        add_errors(leaf, sum.errors);
        return;
    }
    const std::size_t lock = locks_of_run_[leaf.lock];
    add_to_lock(leaf, locks[lock]);
    if (is_acquire(leaf.kind)) {
        SiteSum &sum = site(lock, stack);
        sum.attempts.add(leaf);
        sum.abandoned += leaf.abandoned;
        sum.abandoned_ns = saturating_add(sum.abandoned_ns, leaf.abandoned_ns);
        sum.held_open_ns = saturating_add(sum.held_open_ns, leaf.held_open_ns);
        sum.enter.merge(leaf.first);
        sum.region.merge(leaf.region);
        sum.wait.merge(leaf.wait);
    }
}

void Sums::add_to_lock(const Leaf &leaf, LockSum &lock) const {
    add_errors(leaf, lock.errors);
    if (leaf.kind == LeafKind::test) {
        lock.tests += leaf.calls;
        return;
    }
    if (leaf.kind == LeafKind::release) {
        lock.unlocks += leaf.calls;
        lock.exit.merge(leaf.first);
        return;
    }
    lock.attempts.add(leaf);
    lock.polled += leaf.polled;
    lock.abandoned += leaf.abandoned;
    lock.abandoned_ns = saturating_add(lock.abandoned_ns, leaf.abandoned_ns);
    for (std::size_t i = 0; i < lock.released.size(); ++i) {
        lock.released[i] += leaf.released[i];
    }
    lock.held_open_ns = saturating_add(lock.held_open_ns, leaf.held_open_ns);
    lock.enter[mode_index(leaf.kind)].merge(leaf.first);
    lock.region[mode_index(leaf.kind)].merge(leaf.region);
    lock.wait[mode_index(leaf.kind)].merge(leaf.wait);
    lock.overshoot.merge(leaf.overshoot);
}

void Sums::add_regions(const Run &run, std::size_t number, std::size_t first_process) {
    const Endings endings(run);
    for (const Region &open : run.regions) {
        const RegionEnd end = endings.region_end(open);
        LockSum &lock = locks[locks_of_run_[open.lock]];
        SiteSum &got_at = site(locks_of_run_[open.lock], stacks_.id(number, open.stack));
        ++lock.released[static_cast<std::size_t>(end.cause)];
        if (end.cause == Release::still_held) {
            lock.held_by.push_back(
                {first_process + endings.last_image(open.process), open.mode, end.held_ns});
        }
        if (!end.is_sample()) {
            lock.held_open_ns = saturating_add(lock.held_open_ns, end.held_ns);
            got_at.held_open_ns = saturating_add(got_at.held_open_ns, end.held_ns);
            continue;
        }
        lock.region[static_cast<std::size_t>(open.mode)].add(end.held_ns, end.at_ns);
        got_at.region.add(end.held_ns, end.at_ns);
        processes[first_process + open.process].region.add(end.held_ns, end.at_ns);
        region.add(one_sample(end.held_ns, end.at_ns));
    }
}

void Sums::add_outside_holders(const Run &run) {
    for (std::size_t i = 0; i < run.locks.size(); ++i) {
        const Lock &lock = run.locks[i];
        for (const OutsideHolders &seen : run.outside_holders) {
            if (seen.inode == lock.inode && seen.device_major == lock.device_major &&
                seen.device_minor == lock.device_minor && seen.flock == (lock.family == Family::flock)) {
                locks[locks_of_run_[i]].held_outside[{seen.command, seen.mode}].merge(
                    {seen.pid, seen.processes, seen.seen_ns});
            }
        }
    }
}

void Sums::add_episodes(const Run &run, std::size_t number) {
    const Endings endings(run);
    for (const Episode &episode : run.episodes) {
        if (episode.lock == no_index || !endings.is_abandoned(episode)) {
            continue;
        }
        const std::uint64_t tried_ns = elapsed_ns(episode.first_at_ns, episode.last_at_ns);
        LockSum &lock = locks[locks_of_run_[episode.lock]];
        ++lock.abandoned;
        lock.abandoned_ns = saturating_add(lock.abandoned_ns, tried_ns);
        SiteSum &tried_at = site(locks_of_run_[episode.lock], stacks_.id(number, episode.stack));
        ++tried_at.abandoned;
        tried_at.abandoned_ns = saturating_add(tried_at.abandoned_ns, tried_ns);
    }
}

void Sums::add_blame(const Run &run, std::size_t number) {
    const auto site_of = [&](const LockedAt &at) {
        return site_number(locks_of_run_[at.lock], stacks_.id(number, at.stack));
    };
    for (const Event &event : run.events) {
        if (event.kind == record::EventKind::acquired && event.lock != no_index) {
            ++waits_seen_[site_of({event.lock, event.stack})];
        }
    }
    for (const Blame &blame : blame_of(run)) {
        const std::size_t waiter = site_of(blame.waiter);
        const auto holder = blame.holder ? std::optional(site_of(*blame.holder)) : std::nullopt;
        BlameSum &sum = blame_[{waiter, holder}];
        sum.waiter = waiter;
        sum.holder = holder;
        sum.waits += blame.waits;
        sum.wait_ns = saturating_add(sum.wait_ns, blame.wait_ns);
    }
}

std::vector<BlameSum> Sums::blame() const {
    auto all = blame_;
    std::map<std::size_t, std::uint64_t> blamed_ns;
    for (const auto &[who, sum] : all) {
        blamed_ns[sum.waiter] = saturating_add(blamed_ns[sum.waiter], sum.wait_ns);
    }
    for (std::size_t i = 0; i < sites.size(); ++i) {
        const std::uint64_t rounding_ns = 2 * sites[i].wait.count;
        if (sites[i].wait.sum_ns > saturating_add(blamed_ns[i], rounding_ns)) {
            BlameSum &sum = all[{i, std::nullopt}];
            sum.waiter = i;
            const auto seen = waits_seen_.find(i);
            const std::uint64_t waits = seen == waits_seen_.end() ? 0 : seen->second;
            sum.waits += sites[i].wait.count - std::min(sites[i].wait.count, waits);
            sum.wait_ns += sites[i].wait.sum_ns - blamed_ns[i];
        }
    }
    std::vector<BlameSum> listed;
    for (const auto &[who, sum] : all) {
        listed.push_back(sum);
    }
    return listed;
}

void Sums::add_waiting(const Run &run) {
    for (const Waiting &blocked : run.waiting) {
        const Process &process = run.processes[blocked.process];
        const bool alive = process.ending == Ending::running;
        const std::int64_t until_ns = alive ? run.read_at_ns : process.ended_at_ns;
        const auto lock =
            blocked.lock == no_index ? std::nullopt : std::optional(locks_of_run_[blocked.lock]);
        waiting.push_back({lock, process.pid, blocked.thread, blocked.mode,
                           elapsed_ns(blocked.since_at_ns, until_ns), alive});
    }
}

} // namespace flockstat::reporter
