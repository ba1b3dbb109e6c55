#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/support/command.h"

namespace flockstat::test {

/// What was asked of one lock.
struct CallCounts {
    std::int64_t attempts = 0;
    std::int64_t granted = 0;
    std::int64_t refused = 0;
    std::int64_t unlocks = 0;
    std::int64_t tests = 0;

    bool operator==(const CallCounts &) const = default;
};

/// A lock as strace can name it: path and family (`flock`, `posix`, `ofd`). The path is empty where the
/// descriptor was not open.
using LockName = std::pair<std::string, std::string>;
using LockCounts = std::map<LockName, CallCounts>;

/// Counts the lock calls in the text of `strace -f -y -e trace=flock,fcntl -o FILE`: joins unfinished and
/// resumed lines of a thread, tells attempts, unlocks and tests apart, and takes EAGAIN and EACCES for a
/// refusal. A call that never returned is an attempt. ERESTARTSYS is one attempt, which is what a program
/// sees whose handler does not restart calls.
[[nodiscard]] LockCounts count_strace(const std::string &text);

/// Runs `command` under strace, without flockstat, and counts. `outcome` is the command's own.
struct StraceRun {
    LockCounts counts;
    Outcome outcome;
};
[[nodiscard]] StraceRun strace_run(const Command &command);

/// One line a lock, for a failing test to print.
[[nodiscard]] std::string describe(const LockCounts &counts);

} // namespace flockstat::test
