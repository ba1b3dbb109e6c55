/// How many waited for locks at once.
#pragma once

#include "reporter/analyze/report.h"

namespace flockstat::reporter {

/// filelock.enter of a run's contended acquisitions, from its event log, and of the threads that wait when it
/// is read: in all processes and for all locks together. Too little where events were lost.
[[nodiscard]] Concurrency contended_waits(const Run &run);

} // namespace flockstat::reporter
