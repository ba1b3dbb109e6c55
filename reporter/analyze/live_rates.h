/// What goes on at each lock of runs that go on: how its numbers change from one reading to the next.
#pragma once

#include "reporter/analyze/live_locks.h"
#include "reporter/analyze/report.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace flockstat::reporter {

using LockName = std::pair<std::string, Family>; ///< path and family

/// A lock's numbers at a moment, since the run began.
struct LockMoment {
    std::uint64_t waited_ns = 0; ///< what goes on still is in it
    std::uint64_t held_ns = 0;   ///< the same
    std::uint64_t waits = 0, holds = 0;
    std::uint64_t waiting = 0, holding = 0; ///< now
};

struct LiveMoment {
    std::int64_t at_ns = 0;
    std::map<LockName, LockMoment> locks;
};

/// One reading. `report` is of all the runs together; locks[i] are of runs[i].
[[nodiscard]] LiveMoment live_moment(std::span<const Run> runs, std::span<const LiveLocks> locks,
                                     const Report &report);

/// A lock between two readings.
struct LockRate {
    LockName name;
    double waiting_on_average = 0; ///< seconds waited a second
    double holding_on_average = 0; ///< seconds held a second
    double waits_a_second = 0, holds_a_second = 0;
    std::uint64_t waiting = 0, holding = 0; ///< now
    std::uint64_t most_waiting = 0;         ///< at once, since the run began
};

/// What locks of runs may be ranked by, greatest first (names: in their order).
enum class RateKey { waited, waits, holds, waiting, most_waiting, name };

/// Every lock of `now`, ranked; equal ones by name. `before` may be an empty reading: then it is since the
/// start of the first run.
[[nodiscard]] std::vector<LockRate> lock_rates(const LiveMoment &before, const LiveMoment &now,
                                               const Report &report, RateKey key);

} // namespace flockstat::reporter
