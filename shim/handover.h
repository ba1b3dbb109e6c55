/// Regions that go from one process's care into another's, by way of the arena: to a co-holder, when the
/// process that has it closes its last descriptor, and from an image to the next one at exec. Called inside
/// the bookkeeping.
#pragma once

#include "shim/co_holders.h"
#include "shim/open_file.h"
#include "shim/recorder.h"

namespace flockstat::shim {

/// Was anything put into some process's care since this one last looked? Two loads, any context.
[[nodiscard]] inline bool handovers_pending() {
    return run.arena.base != nullptr &&
           __atomic_load_n(&reinterpret_cast<const record::Header *>(run.arena.base)->handovers,
                           __ATOMIC_RELAXED) != run.handovers_seen;
}

/// The slow part of anything_handed.
[[nodiscard, gnu::cold]] bool look_for_keeps();

/// Is anything waiting to be taken over by this process? Two loads where nobody handed anything on; any
/// context.
[[nodiscard]] inline bool anything_handed() { return handovers_pending() && look_for_keeps(); }

/// Puts a region of an open file description, which `to` has too, into its care. False where there is no
/// room.
[[nodiscard]] bool hand_over(const HeldRegion &region, const CoHolder &to);

/// Takes over what was put into this process's care, before it does anything to it.
void adopt_handovers(ThreadState &thread);

/// Leaves to the image after an exec: a piece of a region; that a descriptor is a duplicate of another.
void keep_over_exec(const HeldRegion &region, Range range, int descriptor);
void keep_duplicate_over_exec(int descriptor, int duplicate_of);

/// Looks in the arena for a region of the descriptor's open file description that another process knows, and
/// makes it this one's too. For descriptors that may be inherited.
void join_shared_regions(ThreadState &thread, OpenFile &open_file, int descriptor);

} // namespace flockstat::shim
