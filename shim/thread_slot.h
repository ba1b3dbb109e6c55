/// The few thread-local words that every call looks at.
#pragma once

#include <cstdint>

namespace flockstat::shim {

struct ThreadState;

struct ThreadSlot {
    /// How many vfork calls this thread's memory is lent out to. vfork.S counts; it has to be the first word.
    int in_vfork;
    ThreadState *state; ///< null: the thread has not locked yet, or is about to end
    std::uint64_t
        lock_name; ///< what the thread writes into locks that it holds: itself and the process's generation
};

extern __attribute__((tls_model("initial-exec"))) thread_local constinit ThreadSlot
    thread_slot __asm__("flockstat_thread_slot");

/// Name the calling thread for SpinLock: before its first one, and in a child of fork.
void name_lock_holder();

} // namespace flockstat::shim
