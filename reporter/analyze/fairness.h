/// How a lock went from one to the next, and who came too short.
#pragma once

#include "reporter/analyze/blame.h"
#include "reporter/read/samples.h"

#include <cstdint>
#include <map>
#include <optional>

namespace flockstat::reporter {

/// A wait during which others, who asked later, got what it waited for.
struct Overtaken {
    std::uint64_t wait_ns = 0;
    std::uint64_t times = 0;            ///< that it was overtaken
    std::uint64_t behind_shared_ns = 0; ///< of wait_ns
    LockedAt at;
    std::uint32_t process = no_index;
    Mode mode = Mode::shared;
};

/// Of one lock's contended acquisitions.
struct Fairness {
    Samples handover[2]; ///< from the release to the grant: blocked waiters, pollers. Without distribution
    std::uint64_t readers_kept_writers_ns = 0; ///< time that exclusive requests were behind shared locks
    std::uint64_t writers_kept_readers_ns = 0; ///< and the other way round
    std::optional<Overtaken> longest;          ///< the longest wait that was overtaken
};

/// By the index of the lock that was waited for. From the event log: locks that nobody waited for are not in
/// it, and where events were lost it is of the others.
[[nodiscard]] std::map<std::uint32_t, Fairness> fairness_of(const Run &run);

} // namespace flockstat::reporter
