/// The one door to the bookkeeping: what is behind it runs once at a time in a thread, and leaves errno
/// alone.
///
/// A signal handler may lock files while its thread is in here. Its operation is queued then, and applied by
/// the frame that it interrupted. siglongjmp, asynchronous cancellation or fork may abandon a frame in here,
/// so the guard marks the frame, and one that cannot be alive any more is broken.
#pragma once

#include "shim/operation.h"
#include "shim/thread_state.h"

namespace flockstat::shim {

/// What a close is about to release: `lock` is 0 for nothing that is worth timing.
struct Released {
    record::Ref lock = 0;
    Family family = Family::flock;
};

/// Applies an operation: finished, but for Deed::close, which is about to begin. Async-signal-safe, any
/// thread.
Released apply(const Operation &operation);

/// Runs deed(ThreadState&) as part of the bookkeeping, where the thread is not in it already: else returns
/// false. For the ends of threads and processes.
bool inside_bookkeeping(ThreadState &thread, void (*deed)(ThreadState &));

/// Applies what signal handlers queued while the thread was inside.
[[gnu::cold]] void apply_queued(ThreadState &thread);

/// Whether the process is the one that notice_fork() last knew of, no child of fork since. Async-signal-safe.
[[nodiscard]] bool is_same_process();

/// Where the process is a child of fork that does not know it yet: forgets what is its parent's. Not while
/// the thread is inside.
void notice_fork();

} // namespace flockstat::shim
