/// What a finished lock call means for the counters: attempts, polls stitched to one acquisition, unlocks,
/// tests. Called inside the bookkeeping only.
#pragma once

#include "shim/open_file.h"
#include "shim/operation.h"
#include "shim/recorder.h"

namespace flockstat::shim {

/// Counts a finished attempt. `open_file`: nullptr where the descriptor is not open.
void count_attempt(ThreadState &thread, OpenFile *open_file, const Operation &operation);

/// Counts a finished unlock call, and what it released.
void count_unlock(ThreadState &thread, OpenFile *open_file, const Operation &operation);

/// Counts a finished test (F_GETLK).
void count_test(ThreadState &thread, OpenFile *open_file, const Operation &operation);

/// A close that took from start to end has released something of `lock`.
void count_releasing_close(ThreadState &thread, record::Ref lock, Family family, const Operation &operation);

/// The thread ends: what it polled for and did not get is abandoned.
void abandon_episodes(ThreadState &thread);

} // namespace flockstat::shim
