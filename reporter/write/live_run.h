/// What `flockstat ps` shows of a run.
#pragma once

#include "reporter/analyze/outside_holders.h"
#include "reporter/symbolize/symbolize.h"

#include <vector>

namespace flockstat::reporter {

/// One run with what is held and wanted in it. `sites`: frames by stack of the run.
struct LiveRun {
    Run run;
    LiveLocks locks;
    std::vector<std::vector<SourceFrame>> sites;
    std::vector<OutsideHolder> outside;
};

} // namespace flockstat::reporter
