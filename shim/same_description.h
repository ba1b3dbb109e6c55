/// Do two descriptors of two processes share an open file description? What the kernel answers, since no
/// count of our own could know of all that was done with descriptors. Async-signal-safe, errno untouched.
#pragma once

#include <cstdint>

namespace flockstat::shim {

enum class Answer : std::uint8_t {
    no,
    yes,
    unknown,
    absent, ///< no: the other descriptor is not open at all
};

/// Is descriptor `theirs` of process `pid` the open file description of our `ours`? By kcmp (man 2 kcmp), and
/// where that is not allowed (container engines forbid it) by the locks that /proc/PID/fdinfo shows of both:
/// an exclusive lock has one description. Unknown where neither tells.
[[nodiscard]] Answer is_same_description(int ours, std::int32_t pid, int theirs);

/// Is descriptor `theirs` of process `pid` open on the file of our `ours`?
[[nodiscard]] Answer is_same_file(int ours, std::int32_t pid, int theirs);

} // namespace flockstat::shim
