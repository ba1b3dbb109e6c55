/// Who made whom wait.
#pragma once

#include "reporter/analyze/contest.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace flockstat::reporter {

/// The part of some waits that one holder's regions were in the way of.
struct Blame {
    LockedAt waiter;
    std::optional<LockedAt> holder; ///< none: nobody that the run knows of held it
    std::uint64_t waits = 0;        ///< that had a part of this kind
    std::uint64_t wait_ns = 0;
};

/// Shares the contended acquisitions in the event log out among the regions that were in their way: see
/// obstacles(). Where several were in the way at once each
/// has an equal part. Up to a millisecond between the end of a region and the grant is the releasing and
/// waking up, and belongs to that region. By waiter and holder, each pair once.
[[nodiscard]] std::vector<Blame> blame_of(const Run &run);

} // namespace flockstat::reporter
