/// The few thread-local words that every call looks at.
#pragma once

#include <cstdint>

namespace flockstat::shim {

struct ThreadState;

struct ThreadSlot {
    ThreadState *state; ///< null: the thread has not locked yet, or is about to end
    std::uint64_t
        lock_name; ///< what the thread writes into locks that it holds: itself and the process's generation
    bool making;   ///< a state is being made
};

extern __attribute__((tls_model("initial-exec"))) thread_local constinit ThreadSlot thread_slot;

/// Name the calling thread for SpinLock: after its state was made, and in a child of fork.
void name_lock_holder();

} // namespace flockstat::shim
