/// Who holds and who waits right now, for a person.
#pragma once

#include "reporter/analyze/outside_holders.h"
#include "reporter/write/text.h"

#include <string>
#include <vector>

namespace flockstat::reporter {

/// The locks of one run. `sites`: frames by stack of the run.
[[nodiscard]] std::string live_text(const Run &run, const LiveLocks &locks,
                                    const std::vector<std::vector<SourceFrame>> &sites,
                                    const std::vector<OutsideHolder> &outside, const TextOptions &options);

/// One lock of the run: who has it, who wants it. Nothing where nobody does.
[[nodiscard]] std::string live_lock_text(const Run &run, const LiveLocks &locks,
                                         const std::pair<std::string, Family> &lock,
                                         const std::vector<std::vector<SourceFrame>> &sites,
                                         const TextOptions &options);

} // namespace flockstat::reporter
