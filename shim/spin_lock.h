/// A lock for a few instructions of bookkeeping that never blocks the program: whoever does not get it in
/// time goes without.
#pragma once

#include <cstdint>

namespace flockstat::shim {

/// Who takes a SpinLock: a number that names the thread and the process's generation; see spin_lock.cpp.
[[nodiscard]] std::uint64_t lock_holder_name();

/// Not for signal handlers that interrupt a holder in the same thread: the bookkeeping guard keeps those out.
/// So a lock that names the very thread that wants it was abandoned by it (siglongjmp), and one that names
/// another generation is a copy that a child of fork inherited from a thread that it does not have: both are
/// taken over.
class SpinLock {
public:
    /// False after about a millisecond of spinning and yielding: the holder was descheduled for long.
    [[nodiscard]] bool lock();
    void unlock() { __atomic_store_n(&holder_, std::uint64_t{0}, __ATOMIC_RELEASE); }

private:
    std::uint64_t holder_ = 0;
};

} // namespace flockstat::shim
