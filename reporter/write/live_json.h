/// Who holds and who waits right now, for a program.
#pragma once

#include "reporter/write/live_run.h"
#include "reporter/write/text_sink.h"

#include <span>

namespace flockstat::reporter {

/// {"schema": "flockstat.ps/1", "runs": [{"directory", "command", "pid", "held": [..], "waiting": [..],
/// "outside": [..]}]}; see reporter/README.md. Times are nanoseconds.
void write_live_json(std::span<const LiveRun> runs, const TextSink &sink);

} // namespace flockstat::reporter
