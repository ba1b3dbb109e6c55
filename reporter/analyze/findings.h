/// What a report has to say beyond its numbers.
#pragma once

#include "reporter/analyze/sums.h"

#include <vector>

namespace flockstat::reporter {

/// Where the things of `Sums` are in the report.
struct ReportPlaces {
    const std::vector<std::size_t> &locks, &sites, &processes; ///< by number
};

/// lock-order-inversion, lock-order-gated: see lock_order.h.
void add_order_findings(const Sums &sums, const ReportPlaces &places, Report &report);

/// From when on a lock's queue is a convoy: threads wait behind one another most of the time.
inline constexpr std::uint64_t convoy_waits = 20;       ///< contended acquisitions at least
inline constexpr std::uint64_t convoy_queue = 3;        ///< that waited at once, at the longest
inline constexpr std::uint64_t convoy_mean_tenths = 20; ///< tenths that waited on average, while anybody did

/// From when on a wait that others overtook is a starvation.
inline constexpr std::uint64_t starved_ns = 100'000'000;
inline constexpr std::uint64_t starved_times = 10;

/// convoy: at least half of a lock's acquisitions were contended, and the limits above. starvation,
/// writer-starved-by-readers (at least half of its wait was behind shared locks) and
/// reader-starved-by-writers, of the longest wait that was overtaken: the limits above. Call it when all of
/// the report's locks, sites and processes are there.
void add_fairness_findings(Report &report);

} // namespace flockstat::reporter
