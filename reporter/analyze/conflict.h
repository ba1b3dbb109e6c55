/// Which locks can be in each other's way.
#pragma once

#include "reporter/read/run.h"

#include <tuple>

namespace flockstat::reporter {

/// Equal for locks of one file that the kernel compares: flock locks meet flock locks, posix and ofd locks
/// meet each other (fs/locks.c: flc_flock and flc_posix are lists of their own).
using ConflictClass =
    std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::int64_t, std::uint32_t, bool>;

[[nodiscard]] inline ConflictClass conflict_class(const Lock &lock) {
    return {lock.device_major,  lock.device_minor,      lock.inode,
            lock.birth_seconds, lock.birth_nanoseconds, lock.family == Family::flock};
}

} // namespace flockstat::reporter
