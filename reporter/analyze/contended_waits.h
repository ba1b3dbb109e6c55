/// How many waited for locks at once.
#pragma once

#include "reporter/analyze/report.h"

#include <cstdint>
#include <map>

namespace flockstat::reporter {

struct ContendedWaits {
    Concurrency all;                              ///< for all locks together
    std::map<std::uint32_t, Concurrency> by_lock; ///< by its index in the run; no_index: not known yet
};

/// filelock.enter of a run's contended acquisitions, from its event log, and of the threads that wait when it
/// is read, in all processes together. Too little where events were lost.
[[nodiscard]] ContendedWaits contended_waits(const Run &run);

} // namespace flockstat::reporter
