/// Is a process that a run recorded still alive? With raw system calls, for use inside a foreign process.
#pragma once

#include <cstdint>

namespace flockstat::summary {

enum class Life : std::uint8_t { alive, gone, unknown };

/// `pid` in this pid namespace, known to have existed `age_ns` ago. Alive only where /proc shows a process of
/// that number that is not younger: numbers are used again. A zombie is gone. Unknown where /proc does not
/// tell.
[[nodiscard]] Life process_life(std::int32_t pid, std::uint64_t age_ns);

/// The inode of this process's pid namespace; 0 where /proc does not tell.
[[nodiscard]] std::uint64_t own_pid_namespace();

} // namespace flockstat::summary
