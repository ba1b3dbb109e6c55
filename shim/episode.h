/// Refused and interrupted attempts that may still be followed by a granted one: most programs poll, and what
/// they wait is what lies between their calls. Episodes stand in the thread's block, so that those of a
/// killed process are not lost. Called inside the bookkeeping.
#pragma once

#include "shim/locked_file.h"
#include "shim/operation.h"
#include "shim/recorder.h"

namespace flockstat::shim {

/// An attempt was refused or interrupted: the episode that it belongs to goes on, or a new one begins.
void note_episode(ThreadState &thread, const LockedFile &file, const Operation &operation, record::Ref lock,
                  record::Ref stack);

/// An attempt was granted: takes the episode that it ends out. `*out` stays as it is where there is none.
void take_episode(ThreadState &thread, const LockedFile &file, const Operation &operation,
                  record::Episode *out);

/// Counts as abandoned what was not retried within max(5 s, 20 times its longest gap) before `now`; all of
/// them where it is UINT64_MAX.
void abandon_late_episodes(ThreadState &thread, std::uint64_t now);

} // namespace flockstat::shim
