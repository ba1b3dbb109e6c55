/// One lock call of the program: issued, waited for, and told to the bookkeeping.
#pragma once

#include "shim/blocking_call.h"
#include "shim/quick_count.h"
#include "shim/run.h"

#include <cerrno>

namespace flockstat::shim {

/// All but lock calls is to be passed straight on: nothing is recorded, or this is a child of vfork, whose
/// descriptors are none of its parent's.
[[nodiscard]] inline bool passing() { return !recording() || thread_slot.in_vfork != 0; }

/// How far a call got before it was found to be out of the ordinary.
struct Issued {
    CallSite site;
    std::uint64_t start_ticks, end_ticks;
    long result; ///< -1: refused, failed, or not issued yet
    int saved_errno;
};

/// The rest of a call: blocks where it may, and tells the bookkeeping. Returns what libc returned, with errno
/// as libc left it.
[[gnu::noinline]] long finish_call(const flockstat_request &request, const LockCall &call,
                                   const Issued &issued);

/// Issues the request and records it. Returns what libc returned, with errno as libc left it (untouched on
/// success). `call`: what its command means, not Action::none. Async-signal-safe; a cancellation point where
/// the program's call is one.
long watched_call(const flockstat_request &request, const LockCall &call, const CallSite &site);

/// The calling thread where its next call may be an ordinary one; else nullptr.
[[nodiscard, gnu::always_inline]] inline ThreadState *quick_thread() {
    ThreadState *thread = thread_slot.state;
    return thread != nullptr && thread_slot.in_vfork == 0 &&
                   thread->quick_generation != ThreadState::no_generation
               ? thread
               : nullptr;
}

/// watched_call for a call that may turn out to be ordinary, in a quick_thread(). `Calls` says what a
/// function's calls mean: may_block, nonblocking and is_cancellation_point of a command, decode of it all,
/// and count(thread, request, QuickCall, site) counts one that succeeded without waiting where it is
/// ordinary. `issue(command)` calls the next definition. Inlined into the wrappers: it is the way of every
/// call.
template<typename Calls, typename Issue>
[[gnu::always_inline]] inline int quick_call(ThreadState &thread, const flockstat_request request,
                                             const CallSite site, Issue issue) {
    if (Calls::is_cancellation_point(request.command)) {
        flockstat_test_cancel(); // the non-blocking form is no cancellation point
    }
    const std::uint64_t start_ticks = now_ticks();
    const int saved_errno = *thread.errno_at;
    // First in the form that does not block. Only a grant is final: all else is the program's own call's
    // to answer.
    const int result =
        issue(Calls::may_block(request.command) ? Calls::nonblocking(request.command) : request.command);
    const std::uint64_t end_ticks = now_ticks();
    if (ordinary(result != -1) &&
        ordinary(Calls::count(thread, request, {request.descriptor, start_ticks, end_ticks}, site))) {
        return result;
    }
    // Copies, so that what is kept in registers on the ordinary way need not be in memory.
    const flockstat_request told = request;
    const Issued issued{{site.return_address, site.stack_pointer, site.frame_pointer},
                        start_ticks,
                        end_ticks,
                        result,
                        saved_errno};
    return static_cast<int>(finish_call(told, Calls::decode(request.command), issued));
}

} // namespace flockstat::shim
