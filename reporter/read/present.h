/// The present of a run: what is held and wanted, without the past.
#pragma once

#include "reporter/read/run.h"

namespace flockstat::reporter {

/// read_run of what somebody needs who asks who holds and who waits now: no leaves, orders, events, wait
/// counters and windows, which are most of a recording. Throws ReadError.
[[nodiscard]] Run read_present(const std::filesystem::path &file);

} // namespace flockstat::reporter
