/// Who wanted a file when, and who held it meanwhile: both sides of every contention of a run.
#pragma once

#include "reporter/analyze/conflict.h"
#include "reporter/read/run.h"

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

namespace flockstat::reporter {

/// Where a lock was got: indices of the run. A stack of no_index was not recorded.
struct LockedAt {
    std::uint32_t lock = no_index;
    std::uint32_t stack = no_index;

    friend auto operator<=>(const LockedAt &, const LockedAt &) = default;
};

/// A time in which somebody waited for a lock, or held it.
struct Interest {
    LockedAt at;
    std::int64_t start_at_ns = 0, end_at_ns = 0;
    std::int64_t range_start = 0, range_end = 0;
    std::uint32_t process = no_index;
    std::int32_t thread = 0;
    Mode mode = Mode::shared;
    bool polled = false;    ///< a wait: by asking again and again
    std::size_t number = 0; ///< of a hold: its place in Contest::holds
};

/// Of the locks of one conflict class.
struct Contest {
    std::vector<Interest> waits;              ///< that were granted
    std::vector<Interest> holds;              ///< by start; those that the event log has, and open ones
    std::vector<std::int64_t> latest_ends_ns; ///< of holds[0] up to here
};

[[nodiscard]] std::map<ConflictClass, Contest> contests_of(const Run &run);

/// The holds that were in a wait's way, clipped to it, by start: those of other owners that overlap in time
/// and in bytes, unless both are shared.
[[nodiscard]] std::vector<Interest> obstacles(const Run &run, const Contest &contest, const Interest &wait);

} // namespace flockstat::reporter
