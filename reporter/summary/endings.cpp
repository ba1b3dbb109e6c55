/// What became of the processes, open regions and open episodes of an arena.
#include "reporter/record/arena_file.h"
#include "reporter/summary/arena_index.h"
#include "reporter/summary/process_state.h"

#include <algorithm>

namespace flockstat::summary {

/// Of those that did not say that they ended: which are alive, which were killed? The arena is mapped by us,
/// so it is of this boot.
void ArenaIndex::judge_endings() {
    const std::uint64_t pid_namespace = own_pid_namespace();
    const record::Header &header = arena_.header();
    const bool nobody_left = header.ended == 1 && header.left_running == 0;
    for (ProcessEntry &process : processes_) {
        process.attached_at_ns = std::min(process.attached_at_ns, read_at_ns_);
        process.ended_at_ns = std::clamp(process.ended_at_ns, process.attached_at_ns, read_at_ns_);
        process.last_seen_at_ns = std::clamp(process.last_seen_at_ns, process.attached_at_ns, read_at_ns_);
        if (process.ending != Ending::unknown) {
            continue;
        }
        const bool ours = pid_namespace != 0 && process.record.pid_namespace == pid_namespace;
        const auto age_ns = static_cast<std::uint64_t>(read_at_ns_ - process.attached_at_ns);
        const Life life = ours ? process_life(process.record.pid, age_ns) : Life::unknown;
        if (life == Life::alive) {
            process.ending = Ending::running;
            process.last_seen_at_ns = read_at_ns_;
        } else if (life == Life::gone || nobody_left) {
            process.ending = Ending::killed;
        }
        process.ended_at_ns = process.last_seen_at_ns;
    }
}

/// For each process that replaced itself: the next record of its pid, and in the end the last one.
void ArenaIndex::link_images() {
    const auto is_successor = [](const ProcessEntry &before, const ProcessEntry &after) {
        return before.ending == Ending::execed && after.record.pid == before.record.pid &&
               after.record.pid_namespace == before.record.pid_namespace &&
               after.attached_at_ns >= before.ended_at_ns;
    };
    // By pid and time, latest first, so that the ending of a later image is known when an earlier one is
    // looked at.
    std::sort(processes_.begin(), processes_.end(), [](const ProcessEntry &a, const ProcessEntry &b) {
        if (a.record.pid_namespace != b.record.pid_namespace) {
            return a.record.pid_namespace < b.record.pid_namespace;
        }
        if (a.record.pid != b.record.pid) {
            return a.record.pid < b.record.pid;
        }
        return a.attached_at_ns != b.attached_at_ns ? a.attached_at_ns > b.attached_at_ns : a.ref > b.ref;
    });
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        ProcessEntry &process = processes_[i];
        process.replaced = i > 0 && is_successor(process, processes_[i - 1]);
        process.last_image = process.replaced ? processes_[i - 1].last_image : process.ending;
        process.last_ref = process.replaced ? processes_[i - 1].last_ref : process.ref;
    }
    std::sort(processes_.begin(), processes_.end(),
              [](const ProcessEntry &a, const ProcessEntry &b) { return a.ref < b.ref; });
}

RegionEnd ArenaIndex::end_of(const Item &item, const record::Region &region) const {
    const ProcessEntry *owner = process(item.process);
    const std::int64_t since_at_ns = scale_.moment_ns(region.since_ticks);
    const auto ended = [&](record::Release cause, std::int64_t at_ns) -> RegionEnd {
        const std::int64_t end_at_ns = std::max(at_ns, since_at_ns);
        return {cause, static_cast<std::uint64_t>(end_at_ns - since_at_ns), end_at_ns};
    };
    if (owner == nullptr) {
        return ended(record::Release::unknown, since_at_ns);
    }
    record::Lock lock;
    const bool posix = arena_.copy(region.lock, &lock) && lock.family == record::Family::posix;
    const bool its_own = posix || region.holders <= 1; // posix locks are the process's; others may be shared
    if (owner->ending == Ending::execed && region.closes_at_exec != 0) {
        return ended(its_own ? record::Release::exec : record::Release::unknown, owner->ended_at_ns);
    }
    if (owner->ending == Ending::running ||
        (owner->ending == Ending::execed && owner->last_image == Ending::running)) {
        return ended(record::Release::still_held, read_at_ns_);
    }
    if (owner->ending == Ending::exited) {
        return ended(its_own ? record::Release::exit : record::Release::unknown, owner->ended_at_ns);
    }
    return ended(record::Release::unknown,
                 owner->ending == Ending::execed ? owner->ended_at_ns : owner->last_seen_at_ns);
}

std::uint64_t ArenaIndex::tried_ns(const record::Episode &episode) const {
    const std::int64_t first_at_ns = scale_.moment_ns(episode.first_ticks);
    return static_cast<std::uint64_t>(std::max(scale_.moment_ns(episode.last_ticks), first_at_ns) -
                                      first_at_ns);
}

bool ArenaIndex::is_abandoned(const Item &item, const record::Episode &episode) const {
    const ProcessEntry *owner = process(item.process);
    if (owner == nullptr || owner->ending != Ending::running) {
        return true;
    }
    constexpr std::uint64_t least_ns = 5'000'000'000;
    constexpr std::uint64_t greatest_gap_ns = UINT64_MAX / 20;
    const std::uint64_t gap_ns = std::min(scale_.duration_ns(episode.longest_gap_ticks), greatest_gap_ns);
    const std::uint64_t patience_ns = std::max(least_ns, 20 * gap_ns);
    const std::int64_t silent_ns = read_at_ns_ - scale_.moment_ns(episode.last_ticks);
    return silent_ns > 0 && static_cast<std::uint64_t>(silent_ns) > patience_ns;
}

} // namespace flockstat::summary
