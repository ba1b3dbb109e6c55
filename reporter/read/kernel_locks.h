/// What the kernel says about locks that are held right now: /proc/locks (man 5 proc).
#pragma once

#include "reporter/read/run.h"

#include <string>
#include <string_view>
#include <vector>

namespace flockstat::reporter {

struct KernelLock {
    Family family = Family::flock;
    Mode mode = Mode::shared;
    std::int32_t pid = 0; ///< as this process sees it; flock: who opened the file, and may be gone
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t inode = 0;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< both included
};

/// A lock of a record (record::Lock, or Lock of a run) as the kernel would list it; all bytes, of no process.
template<typename AnyLock>
[[nodiscard]] KernelLock as_kernel_lock(const AnyLock &lock, Mode mode) {
    KernelLock listed;
    listed.family = lock.family;
    listed.mode = mode;
    listed.device_major = lock.device_major;
    listed.device_minor = lock.device_minor;
    listed.inode = lock.inode;
    return listed;
}

/// Does a lock that is held keep one out that is wanted by another owner? By the rules of fs/locks.c: flock
/// locks meet flock locks, and byte ranges those that they share a byte with.
[[nodiscard]] bool is_in_the_way(const KernelLock &held, const KernelLock &wanted);

struct KernelLocks {
    std::vector<KernelLock> held;
    std::vector<KernelLock> wanted; ///< by threads that are blocked; their processes' pids
};

/// The locks of a text like /proc/locks: leases, and locks whose owner the kernel does not tell (ofd: -1, and
/// other pid namespaces: 0), are left out.
[[nodiscard]] KernelLocks parse_kernel_locks(std::string_view text);

/// Those of now; nothing where /proc/locks cannot be read.
[[nodiscard]] KernelLocks kernel_locks();

/// The arguments of a process; empty where it is gone.
[[nodiscard]] std::vector<std::string> command_of(std::int32_t pid);

} // namespace flockstat::reporter
