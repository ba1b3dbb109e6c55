/// A lock for a few instructions of bookkeeping that never blocks the program: whoever does not get it in
/// time goes without.
#pragma once

#include "shim/thread_slot.h"

namespace flockstat::shim {

/// Points to glibc's __libc_single_threaded (2.32), or to a zero: while it is not zero there is nobody to
/// lock out, and an atomic operation would cost more than what it guards.
extern const char *single_threaded;

/// In the constructor: finds __libc_single_threaded.
void find_single_threaded();

/// Not for signal handlers that interrupt a holder in the same thread: the bookkeeping guard keeps those out.
/// So a lock that names the very thread that wants it was abandoned by it (siglongjmp), and one that names
/// another generation is a copy that a child of fork inherited from a thread that it does not have: both are
/// taken over.
class SpinLock {
public:
    /// False after a second of spinning, yielding and napping: the holder does not come back (a signal
    /// handler that interrupted it waits for something). While the same one has it nobody waits that long
    /// again.
    [[nodiscard, gnu::always_inline]] bool lock() {
        const std::uint64_t mine = thread_slot.lock_name;
        if (*single_threaded != 0) {
            if (holder_ == 0) [[likely]] {
                holder_ = mine;
                return true;
            }
            return lock_slowly(mine);
        }
        std::uint64_t free = 0;
        return __atomic_compare_exchange_n(&holder_, &free, mine, false, __ATOMIC_ACQUIRE,
                                           __ATOMIC_RELAXED) ||
               lock_slowly(mine);
    }
    void unlock() { __atomic_store_n(&holder_, std::uint64_t{0}, __ATOMIC_RELEASE); }

private:
    [[gnu::cold]] bool lock_slowly(std::uint64_t mine);

    std::uint64_t holder_ = 0; ///< 0, or the lock_name of the thread that holds it
    std::uint64_t stuck_ = 0;  ///< the holder that somebody gave up waiting for, or 0
};

} // namespace flockstat::shim
