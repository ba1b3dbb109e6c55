/// What the HTML page is given beside the JSON report.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/json_parts.h"

namespace flockstat::reporter {

/// One object:
///
///     run        runs, process_time_ns, running, damaged, stacks, clock_estimated
///     groups     by wait; locks of one path and family: `locks` (places in the report's), `sum` (as one of
///     the
///                report's locks; null where the group is one lock), `wait` and `region`: by mode, pairs of
///                value in nanoseconds and count
///     labels     by site: its stack in a few words, innermost first, or as a traceback for Python
///     abandoned  by site: how often a lock was tried in vain there
///     timeline   single waits and holds, by start, one list for each of their facts: `kind` (0 hold, 1 wait,
///     2 given
///                up, 3 still blocked), `exclusive` (0, 1), `start` (nanoseconds since `from`, those since
///                1970), `length`, `lock`, `site`, `process`, `thread`, `blocker` (a place in these lists);
///                -1: not known
///     waiting    threads that wait when the run is read, or did when their process ended
void put_extras(JsonStream &json, const Report &report);

} // namespace flockstat::reporter
