/// What becomes of all that a process holds when it ends or makes another one by fork. Called inside the
/// bookkeeping only.
#pragma once

#include "shim/thread_state.h"

namespace flockstat::shim {

/// The process ends: so do its regions, or its part in them.
void end_all_at_exit(ThreadState &thread, std::uint64_t end_ticks);

/// A fork is about to happen: locks of open file descriptions will be the child's too.
void share_with_child();

/// In a child of fork: posix locks are not inherited; those of open file descriptions are shared.
void become_child();

/// In a child whose parent ends with the fork: it is the keeper of what they share.
void take_over_shared(ThreadState &thread);

/// Frees the slots of the thread's block that show a region which nobody has: a frame that was about to begin
/// or to end it was left.
void free_orphan_slots(const ThreadState &thread);

} // namespace flockstat::shim
