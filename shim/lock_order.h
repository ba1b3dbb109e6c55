/// Which locks are asked for while others are held. Called inside the bookkeeping only; async-signal-safe.
///
/// A thread holds what it got itself, what it had when it was made by fork, and what an image before an exec
/// left to it or shares with it. What is had of a file already is no new lock: bytes of a file that are taken
/// one after the other, and conversions, have no order.
#pragma once

#include "shim/recorder.h"

namespace flockstat::shim {

/// A request that was not granted: it waits, or will be made again, with what the thread has. Cheap where
/// that is nothing.
void note_wanted(ThreadState &thread, record::Leaf &leaf, Range range);

/// The slow part of note_granted: something else is held.
[[gnu::cold]] void note_nested(ThreadState &thread, record::Leaf *leaf, Range range);

/// The thread got what `live`, whose slot is written now or next, shows from since_ticks on. `leaf`: of the
/// acquisition, or nullptr.
[[gnu::always_inline]] inline void note_granted(ThreadState &thread, record::Leaf *leaf, Range range,
                                                record::Region &live, std::uint64_t since_ticks) {
    if (!ordinary(thread.held.innermost.live == nullptr)) {
        note_nested(thread, leaf, range);
    }
    thread.held.innermost = {&live, since_ticks};
}

/// Once in a new image, before its first request is counted: what its parent or the image before has left to
/// it.
[[gnu::cold]] void find_inherited(ThreadState &thread);

/// find_inherited was called.
extern bool inherited_known;

} // namespace flockstat::shim
