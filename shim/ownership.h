/// Which regions begin and end: the kernel's rules (man 2 flock, man 2 fcntl, fs/locks.c), applied to what
/// the program's calls did. Called inside the bookkeeping only.
#pragma once

#include "shim/open_file.h"
#include "shim/operation.h"
#include "shim/recorder.h"

namespace flockstat::shim {

/// A lock was granted: opens the region, ends the ones it replaces. `leaf`: the acquisition's accumulators,
/// or nullptr.
void begin_region(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                  record::Leaf *leaf);

/// An unlock call succeeded. True where it released something.
[[nodiscard]] bool end_by_unlock(ThreadState &thread, OpenFile &open_file, const Operation &operation);

/// A flock request that was refused or interrupted: the kernel drops the old lock before it looks for
/// conflicts (flock_lock_inode), so a conversion that did not succeed has lost it.
void end_by_failed_conversion(ThreadState &thread, OpenFile &open_file, const Operation &operation);

/// Ends regions that a change of descriptors took away, linked by `next`, or leaves them to processes that
/// share them. `descriptor`: that of open file descriptions, open still; -1: gone.
void end_dropped(ThreadState &thread, HeldRegion *regions, int descriptor, record::Release how,
                 std::uint64_t end_ticks);

} // namespace flockstat::shim
