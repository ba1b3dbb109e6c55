/// The single waits and holds of a run, over time.
#pragma once

#include "reporter/analyze/sums.h"

#include <span>
#include <vector>

namespace flockstat::reporter {

/// The run's bars: those of its event log, what was open when it was read, and who was waiting then. `lock`,
/// `site` (a stack) and `process` are indices of the run, and `blocker` one of the bars.
[[nodiscard]] std::vector<TimelineBar> timeline_of(const Run &run);

/// Fills Report::timeline of a report that has its locks, sites and processes; by start. The places say where
/// each of `sums` stands in it.
void add_timeline(const Sums &sums, std::span<const std::size_t> lock_places,
                  std::span<const std::size_t> site_places, std::span<const std::size_t> process_places,
                  Report &report);

} // namespace flockstat::reporter
