/// Who holds and who waits right now, for a program.
#pragma once

#include "reporter/analyze/outside_holders.h"
#include "reporter/symbolize/symbolize.h"

#include <span>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// One run with what is held and wanted in it. `sites`: frames by stack of the run.
struct LiveRun {
    Run run;
    LiveLocks locks;
    std::vector<std::vector<SourceFrame>> sites;
    std::vector<OutsideHolder> outside;
};

/// {"schema": "flockstat.ps/1", "runs": [{"directory", "command", "pid", "held": [..], "waiting": [..],
/// "outside": [..]}]}; see reporter/README.md. Times are nanoseconds.
[[nodiscard]] std::string live_json(std::span<const LiveRun> runs);

} // namespace flockstat::reporter
