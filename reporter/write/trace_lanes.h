/// Single waits and holds -> the tracks that a trace viewer shows.
#pragma once

#include "reporter/analyze/report.h"

#include <cstdint>
#include <span>
#include <vector>

namespace flockstat::reporter {

/// A track: some of the waits, or of the holds, of one thread.
struct TraceLane {
    std::optional<std::size_t> process; ///< in Report::processes
    std::int32_t thread = 0;            ///< 0: not known
    bool waits = false;                 ///< else holds
    std::size_t number = 0;             ///< among the thread's lanes of this kind
};

struct TraceLanes {
    std::vector<TraceLane> lanes; ///< by process, thread, waits before holds, number
    std::vector<std::size_t> of;  ///< by bar: in `lanes`
};

/// Puts each bar into the first lane of its thread that is free. On one lane no bar begins before 2 ns after
/// another's end: viewers drop what overlaps, a bar without length takes up time there, and those that count
/// in fractions of microseconds round ends. Nor is one nested in another, because an arrow to a point in time
/// ends at the innermost bar there. `bars` are sorted by start.
[[nodiscard]] TraceLanes trace_lanes(std::span<const TimelineBar> bars);

} // namespace flockstat::reporter
