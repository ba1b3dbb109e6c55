/// Who holds and who waits right now, for a person.
#pragma once

#include "reporter/analyze/live_locks.h"
#include "reporter/write/text.h"

#include <string>
#include <vector>

namespace flockstat::reporter {

/// The locks of one run. `sites`: frames by stack of the run.
[[nodiscard]] std::string live_text(const Run &run, const LiveLocks &locks,
                                    const std::vector<std::vector<SourceFrame>> &sites,
                                    const TextOptions &options);

} // namespace flockstat::reporter
