/// One lock operation that is over (or, for a close, about to happen), with all that its bookkeeping needs.
/// Plain data, so that an operation of a signal handler can be queued while its thread is inside the
/// bookkeeping.
#pragma once

#include "reporter/record/arena.h"
#include "shim/lock_call.h"
#include "shim/locked_file.h"
#include "shim/unwind.h"

namespace flockstat::shim {

enum class Deed : std::uint8_t {
    attempt,
    unlock,
    test,
    close,     ///< a descriptor is about to be closed
    closed,    ///< that close took from start to end and dropped something
    recheck,   ///< a call closed descriptors, some of them perhaps unknown: which posix locks are gone?
    duplicate, ///< `other` is now the same open file description as `descriptor`
};

struct Operation {
    Deed deed = Deed::attempt;
    Family family = Family::flock;
    Mode mode = Mode::exclusive;
    Outcome outcome = Outcome::granted;
    bool waited = false; ///< the first try found the lock taken, or the call took so long that it must have
    bool range_known = true;  ///< false: the caller's struct could not be read
    bool frames_gone = false; ///< queued: the frames of its site are not there any more
    bool replaces = false;    ///< Deed::duplicate: `other` was another file's descriptor before
    bool identified = false;  ///< queued: `identity` is what the descriptor was
    bool unlinked = false;
    int descriptor = -1;
    int other = -1;
    int error = 0;
    record::Ref lock = 0; ///< Deed::closed: what was released
    Range range;
    std::uint64_t start_ticks = 0;
    std::uint64_t wait_ticks = 0; ///< `waited`: from when on the wait counts
    std::uint64_t end_ticks = 0;
    CallSite site{};
    FileIdentity identity;
};

} // namespace flockstat::shim
