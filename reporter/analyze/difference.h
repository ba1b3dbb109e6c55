/// What changed between two sets of runs, lock by lock and site by site.
#pragma once

#include "reporter/analyze/bootstrap.h"
#include "reporter/analyze/report.h"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::reporter {

/// What is compared, by the place in Costs.
enum class Cost : std::size_t { acquisitions, waits, wait, wait_p99, contended, hold, hold_p99 };
inline constexpr std::size_t cost_count = 7;

/// How a cost is counted.
enum class CostUnit { count, nanoseconds, share };

struct CostName {
    Cost cost;
    std::string_view key;   ///< for programs
    std::string_view label; ///< for people
    CostUnit unit;
};

/// All of them, for every writer.
inline constexpr std::array<CostName, cost_count> cost_names{{
    {Cost::acquisitions, "acquisitions", "acquired", CostUnit::count},
    {Cost::waits, "waits", "waits", CostUnit::count},
    {Cost::wait, "wait_ns", "waited", CostUnit::nanoseconds},
    {Cost::wait_p99, "wait_p99_ns", "wait p99", CostUnit::nanoseconds},
    {Cost::contended, "contended_share", "contended", CostUnit::share},
    {Cost::hold, "hold_ns", "held", CostUnit::nanoseconds},
    {Cost::hold_p99, "hold_p99_ns", "held p99", CostUnit::nanoseconds},
}};

/// One cost of a run, before and after: means over the runs that have it. Shares: 1 is everything.
struct Change {
    std::optional<double> before, after; ///< none: no run of the set has it (no wait has no p99)
    std::optional<Interval> interval;    ///< of after - before, 95 %; none without repeats of both

    /// after - before; nothing where one of them is missing.
    [[nodiscard]] std::optional<double> difference() const {
        return before && after ? std::optional(*after - *before) : std::nullopt;
    }
    /// No accident of these runs: the interval is on one side of 0.
    [[nodiscard]] bool is_sure() const { return interval && (interval->low > 0 || interval->high < 0); }
};

/// By Cost.
using Costs = std::array<Change, cost_count>;

[[nodiscard]] inline const Change &change_of(const Costs &costs, Cost cost) {
    return costs[static_cast<std::size_t>(cost)];
}

struct SiteDifference {
    std::vector<SourceFrame> frames; ///< as one of the runs has them
    Costs costs;
};

struct LockDifference {
    std::string path; ///< bytes; or the pattern that it matches
    Family family = Family::flock;
    Costs costs;
    std::vector<SiteDifference> sites; ///< ordered as the locks are
};

struct Difference {
    std::size_t runs_before = 0, runs_after = 0;
    Costs costs; ///< of all locks together, without percentiles
    Change duration_ns;
    std::vector<LockDifference> locks; ///< by how much their wait changed, then their hold
};

/// Makes runs comparable whose files are not the same: a lock whose path matches one of the patterns (glob,
/// '*' matches '/' too; the first that does) gets the pattern for a path, and which file it was is forgotten.
void forget_files(Run *run, std::span<const std::string> patterns);

/// Compares reports of single runs, made after forget_files(). Locks are matched by path and family, sites
/// by the functions of their stacks (Python's alone, where there are any), wherever in their files these
/// stand. What one set does not have at all is 0 there. A site that has two stacks of the same functions in a
/// run has their sums, and the greater of their percentiles.
[[nodiscard]] Difference difference(std::span<const Report> before, std::span<const Report> after);

} // namespace flockstat::reporter
