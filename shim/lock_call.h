/// Which lock operation a libc or system call asks for. Pure: no system call, no state, no memory of the
/// caller's but where a function says so.
#pragma once

#include "reporter/record/words.h"

#include <fcntl.h>
#include <sys/file.h>

namespace flockstat::shim {

using record::Family;
using record::Mode;

enum class Action : std::uint8_t {
    none,    ///< no lock call: passed on
    attempt, ///< asks for a lock
    unlock,
    test,  ///< asks who holds it
    range, ///< F_SETLK and its kind: attempt or unlock, which the struct says that only the kernel may read
           ///< first
};

/// What can be told from the command alone.
struct LockCall {
    Action action = Action::none;
    Family family = Family::flock;
    Mode mode = Mode::exclusive;
    bool may_block = false;
    /// POSIX makes it a cancellation point in its blocking form; the non-blocking form is none.
    bool cancellation_point = false;
    /// The command or operation that asks for the same without blocking.
    int nonblocking = 0;
};

/// flock(2). An operation that the kernel will refuse counts as an attempt that fails.
[[nodiscard]] inline LockCall decode_flock(int operation) {
    LockCall call;
    call.action = Action::attempt;
    call.may_block = (operation & LOCK_NB) == 0;
    call.nonblocking = operation | LOCK_NB;
    if ((operation & LOCK_MAND) != 0) {
        call.action =
            Action::none; // "mandatory" locks: Linux 5.18 and later take no lock, and return 0 (fs/locks.c)
        return call;
    }
    switch (operation & ~LOCK_NB) {
    case LOCK_SH: call.mode = Mode::shared; break;
    case LOCK_UN:
        call.action = Action::unlock;
        call.may_block = false;
        break;
    default: break; // LOCK_EX, and what the kernel refuses
    }
    return call;
}

/// fcntl(2). Action::none for commands that are no lock commands.
[[nodiscard]] LockCall decode_fcntl(int command);

/// lockf(3).
[[nodiscard]] LockCall decode_lockf(int function);

/// Where attempts to get a lock in this mode are counted.
[[nodiscard]] constexpr record::LeafKind acquire_kind(Mode mode) {
    return mode == Mode::shared ? record::LeafKind::acquire_shared : record::LeafKind::acquire_exclusive;
}

/// First and last byte of a range; last is INT64_MAX where it goes on to the end of any file.
struct Range {
    std::int64_t start = 0;
    std::int64_t end = INT64_MAX;

    friend bool operator==(const Range &, const Range &) = default;
};

/// The bytes that l_start and l_len mean, counted from `base` (0 for SEEK_SET, the file position for
/// SEEK_CUR, the file's size for SEEK_END). As fs/locks.c, flock64_to_posix_lock: a negative length is the
/// bytes before the start, zero is to the end. False where the kernel says EINVAL or EOVERFLOW.
[[nodiscard]] inline bool decode_range(std::int64_t base, std::int64_t start, std::int64_t length,
                                       Range *out) {
    std::int64_t first = 0;
    if (__builtin_add_overflow(base, start, &first) || first < 0) {
        return false;
    }
    if (length == 0) {
        *out = {first, INT64_MAX};
        return true;
    }
    std::int64_t other = 0;
    if (length > 0) {
        if (__builtin_add_overflow(first, length - 1, &other)) {
            return false;
        }
        *out = {first, other};
        return true;
    }
    if (__builtin_add_overflow(first, length, &other) || other < 0) {
        return false;
    }
    *out = {other, first - 1};
    return true;
}

/// How an attempt ended.
enum class Outcome : std::uint8_t { granted, refused, interrupted, deadlocked, failed };

/// `error` is 0 or the errno of the call. EACCES is a refusal for fcntl and lockf only: POSIX allows it
/// beside EAGAIN.
[[nodiscard]] Outcome outcome_of(int error, Family family);

} // namespace flockstat::shim
