/// The words that a record is made of: enumerations whose values stand in arena files.
/// A change of any value here is a change of the format (arena.h, arena_version).
#pragma once

#include <cstddef>
#include <cstdint>

namespace flockstat::record {

/// Which of the kernel's three kinds of file lock.
enum class Family : std::uint8_t {
    flock = 0, ///< flock(2): owned by the open file description
    posix = 1, ///< fcntl(2) F_SETLK and lockf(3): owned by the process
    ofd = 2,   ///< fcntl(2) F_OFD_SETLK: owned by the open file description
};
inline constexpr unsigned family_count = 3;

/// What a lock call asks for.
enum class Mode : std::uint8_t { shared = 0, exclusive = 1 };

/// What the calls counted in one leaf have in common, beside their lock and their stack.
enum class LeafKind : std::uint8_t {
    acquire_shared = 0,    ///< attempts to get a shared lock; stats: enter, region
    acquire_exclusive = 1, ///< attempts to get an exclusive lock; stats: enter, region
    release = 2,           ///< unlock calls, and closes that dropped something; stats: exit
    test = 3,              ///< F_GETLK, F_OFD_GETLK, F_TEST; stats: the call's duration
};
inline constexpr unsigned leaf_kind_count = 4;

/// How a region ended.
enum class Release : std::uint8_t {
    unlock = 0,
    close = 1,      ///< the last descriptor (flock, ofd) or any descriptor (posix) was closed
    exit = 2,       ///< its process ended normally
    exec = 3,       ///< dropped by exec: close-on-exec
    converted = 4,  ///< the lock went on in the other mode
    still_held = 5, ///< alive when the run was read; never stored by the shim
    unknown = 6,    ///< the end was not seen
};
inline constexpr unsigned release_count = 7;

/// The unit of every time in an arena (fields named _ticks).
enum class Clock : std::uint32_t {
    monotonic = 0, ///< one tick is one nanosecond of CLOCK_MONOTONIC
    tsc = 1,       ///< time stamp counter; the header's calibration converts
};

enum class ProcessState : std::uint32_t {
    unused = 0,
    running = 1,
    exited = 2, ///< said that it exits; `status` holds its exit status where it was seen
    execed = 3, ///< replaced itself; the new image has a record of its own
};

enum class EventKind : std::uint8_t {
    none = 0,
    acquired = 1,  ///< a contended acquisition: start, grant, attempts
    abandoned = 2, ///< an episode of attempts that was given up: first and last attempt
    failed = 3,    ///< an attempt that failed; `error` says why
    held = 4,      ///< a region that others waited for or were refused for: grant, end
};

} // namespace flockstat::record
