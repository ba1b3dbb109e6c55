/// Who holds which lock at the moment when a run was read, who waits, and behind whom.
#pragma once

#include "reporter/read/run.h"

#include <cstdint>
#include <vector>

namespace flockstat::reporter {

/// A region of a live process.
struct HeldLock {
    std::uint32_t lock = no_index;    ///< indices of the run; `lock` and `process` are always valid
    std::uint32_t process = no_index; ///< that got it
    std::uint32_t stack = no_index;   ///< of the call that got it
    std::int32_t thread = 0;
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = 0; ///< bytes, both included
    std::uint64_t held_ns = 0;
};

/// A thread of a live process that is blocked in a lock call, or polls.
struct WantedLock {
    std::uint32_t lock = no_index;    ///< no_index: not looked at yet (its first call for the file)
    std::uint32_t process = no_index; ///< always valid
    std::uint32_t stack = no_index;   ///< of the latest attempt; blocked threads tell none before they return
    std::int32_t thread = 0;          ///< 0: not known (polling)
    Mode mode = Mode::shared;
    bool polling = false;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< bytes, both included
    std::uint64_t wait_ns = 0;
    std::vector<std::size_t> behind; ///< in LiveLocks::held: in its way
    bool deadlocked = false;         ///< it waits, through others that wait, for itself
};

struct LiveLocks {
    std::vector<HeldLock> held;     ///< the longest first
    std::vector<WantedLock> wanted; ///< the longest first
};

/// Judges as the kernel does (fs/locks.c): locks of one file conflict unless both are shared, flock apart
/// from byte ranges. The kernel looks for deadlocks among posix locks only.
[[nodiscard]] LiveLocks live_locks(const Run &run);

} // namespace flockstat::reporter
