/// Closes of which nobody knows beforehand whether they release the lock: no process that can be asked has
/// the open file description, but a message, a mapping or a process that cannot be asked may keep it. The
/// kernel's list of locks tells afterwards. Called inside the bookkeeping only.
#pragma once

#include "shim/recorder.h"

namespace flockstat::shim {

/// Puts a region aside, whose last known descriptor is about to be closed, until settle_doubts. False where
/// the list would not tell: the region is the caller's still.
[[nodiscard]] bool put_in_doubt(ThreadState &thread, HeldRegion &region, int descriptor,
                                std::uint64_t end_ticks);

/// The close is over: ends what was put aside, by the close where the lock is gone, and at an unknown time
/// where it is there still, or another one that looks the same. Reads /proc/locks, once for each.
void settle_doubts(ThreadState &thread);

} // namespace flockstat::shim
