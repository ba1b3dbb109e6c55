/// One lock call of the program: issued, waited for, and told to the bookkeeping.
#pragma once

#include "shim/blocking_call.h"
#include "shim/quick_count.h"
#include "shim/run.h"

#include <cerrno>

/// How many vfork calls this thread's memory is lent out to. Read and written by vfork.S too.
extern "C" __attribute__((visibility("hidden"),
                          tls_model("initial-exec"))) thread_local constinit int flockstat_in_vfork;

namespace flockstat::shim {

/// Calls are to be passed straight on: nothing is recorded, or this is a child of vfork, which must not
/// change its parent's memory.
[[nodiscard]] inline bool passing() { return !recording() || flockstat_in_vfork != 0; }

/// How far watched_call got.
struct Issued {
    const CallSite &site;
    std::uint64_t start_ticks, end_ticks;
    long result; ///< -1: refused, failed, or not issued yet
    int saved_errno;
};

/// What watched_call leaves over: blocks where the call may, and tells the bookkeeping.
[[gnu::noinline]] long finish_call(const flockstat_request &request, const LockCall &call,
                                   const Issued &issued);

/// Issues the request, with issue(command), and records it. Returns what libc returned, with errno as libc
/// left it (untouched on success). `call`: what its command means, not Action::none. Async-signal-safe; a
/// cancellation point where the program's call is one. Inlined into the wrappers: it is the way of every
/// call.
template<typename Issue>
[[gnu::always_inline]] inline long watched_call(const flockstat_request &request, const LockCall &call,
                                                const CallSite &site, Issue issue) {
    const std::uint64_t start_ticks = now_ticks();
    const int saved_errno = errno;
    long result = -1;
    std::uint64_t end_ticks = 0;
    if (!call.may_block || run.probe) [[likely]] {
        if (call.cancellation_point) {
            flockstat_test_cancel(); // the non-blocking form is no cancellation point
        }
        // First in the form that does not block. Only a grant is final: all else is the program's own call's
        // to answer.
        result = issue(call.may_block ? call.nonblocking : request.command);
        end_ticks = now_ticks();
        if (result != -1 && call.family == Family::flock &&
            count_quickly(call, request.descriptor, site, start_ticks, end_ticks)) [[likely]] {
            return result;
        }
    }
    return finish_call(request, call, {site, start_ticks, end_ticks, result, saved_errno});
}

/// The same, with the request's own function.
long watched_call(const flockstat_request &request, const LockCall &call, const CallSite &site);

} // namespace flockstat::shim
