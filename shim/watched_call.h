/// One lock call of the program: issued, waited for, and told to the bookkeeping.
#pragma once

#include "shim/blocking_call.h"
#include "shim/lock_call.h"
#include "shim/unwind.h"

namespace flockstat::shim {

/// Issues the request and records it. Returns what libc returned, with errno as libc left it (untouched on
/// success). `call`: what its command means, not Action::none. Async-signal-safe; a cancellation point where
/// the program's call is one.
long watched_call(const flockstat_request &request, const LockCall &call, const CallSite &site);

/// Calls are to be passed straight on: nothing is recorded, or this is a child of vfork, which must not
/// change its parent's memory.
[[nodiscard]] bool passing();

} // namespace flockstat::shim

/// How many vfork calls this thread's memory is lent out to. Read and written by vfork.S too.
extern "C"
    __attribute__((visibility("hidden"), tls_model("initial-exec"))) thread_local int flockstat_in_vfork;
