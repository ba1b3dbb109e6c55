#include "reporter/analyze/endings.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace flockstat::reporter {
namespace {

RegionEnd ended(Release cause, const Region &region, std::int64_t at_ns) {
    const std::int64_t held_ns = std::max<std::int64_t>(at_ns - region.since_at_ns, 0);
    return {cause, static_cast<std::uint64_t>(held_ns), std::max(at_ns, region.since_at_ns)};
}

/// For each process that replaced itself: the next record of its pid. Several records may have begun at one
/// moment; they are in the order in which they were made then.
std::vector<std::uint32_t> find_successors(const std::vector<Process> &processes) {
    const auto key = [&](std::uint32_t i) {
        return std::tuple(processes[i].pid_namespace, processes[i].pid, processes[i].attached_at_ns);
    };
    std::vector<std::uint32_t> order(processes.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    std::vector<std::uint32_t> successors(processes.size(), no_index);
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
        const Process &before = processes[order[i]];
        const Process &after = processes[order[i + 1]];
        if (before.ending == Ending::execed && after.pid == before.pid &&
            after.pid_namespace == before.pid_namespace && after.attached_at_ns >= before.ended_at_ns) {
            successors[order[i]] = order[i + 1];
        }
    }
    return successors;
}

} // namespace

Endings::Endings(const Run &run) : run_(run), successors_(find_successors(run.processes)) {}

RegionEnd Endings::region_end(const Region &region) const {
    if (region.process == no_index) {
        return ended(Release::unknown, region, region.since_at_ns);
    }
    const Process &process = run_.processes[region.process];
    const bool its_own = run_.locks[region.lock].family == Family::posix || region.holders <= 1;
    switch (process.ending) {
    case Ending::running: return ended(Release::still_held, region, run_.read_at_ns);
    case Ending::exited:
        return ended(its_own ? Release::exit : Release::unknown, region, process.ended_at_ns);
    case Ending::execed: {
        if (region.closes_at_exec) {
            return ended(its_own ? Release::exec : Release::unknown, region, process.ended_at_ns);
        }
        if (run_.processes[last_image(region.process)].ending == Ending::running) {
            return ended(Release::still_held, region, run_.read_at_ns);
        }
        return ended(Release::unknown, region, process.ended_at_ns);
    }
    case Ending::killed:
    case Ending::unknown: break;
    }
    return ended(Release::unknown, region, process.ended_at_ns);
}

std::uint32_t Endings::last_image(std::uint32_t process) const {
    while (successors_[process] != no_index) { // they follow each other in time, so this ends
        process = successors_[process];
    }
    return process;
}

bool Endings::is_abandoned(const Episode &episode) const {
    if (episode.process == no_index || run_.processes[episode.process].ending != Ending::running) {
        return true;
    }
    constexpr std::uint64_t least_ns = 5'000'000'000;
    constexpr std::uint64_t greatest_gap_ns = UINT64_MAX / 20;
    const std::uint64_t patience_ns =
        std::max(least_ns, 20 * std::min(episode.longest_gap_ns, greatest_gap_ns));
    const std::int64_t silent_ns = run_.read_at_ns - episode.last_at_ns;
    return silent_ns > 0 && static_cast<std::uint64_t>(silent_ns) > patience_ns;
}

} // namespace flockstat::reporter
