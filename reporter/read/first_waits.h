/// What threads wait for in their first call for a file.
#pragma once

#include "reporter/read/run.h"

namespace flockstat::reporter {

/// A thread that is blocked in its process's first call for a file could not say yet which one that is. The
/// kernel knows: fills in Waiting::lock of those whose processes are alive, and adds to Run::locks what
/// nobody else had asked for yet. Left as they are: ofd locks, which the kernel's list has no pid of, and
/// files of processes that this one may not look into.
void find_first_waits(Run &run);

} // namespace flockstat::reporter
