/// Who holds and who waits right now, for a person.
#pragma once

#include "reporter/write/live_run.h"
#include "reporter/write/text.h"
#include "reporter/write/text_sink.h"

#include <string>
#include <vector>

namespace flockstat::reporter {

/// The locks of one run.
void write_live_text(const LiveRun &live, const TextOptions &options, const TextSink &sink);

/// One lock of a run: who has it, who wants it. Nothing where nobody does. `sites`: frames by stack of the
/// run.
[[nodiscard]] std::string live_lock_text(const Run &run, const LiveLocks &locks,
                                         const std::pair<std::string, Family> &lock,
                                         const std::vector<std::vector<SourceFrame>> &sites,
                                         const TextOptions &options);

} // namespace flockstat::reporter
