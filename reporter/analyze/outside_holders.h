/// Who outside the run is in the way of those who wait in it.
#pragma once

#include "reporter/analyze/live_locks.h"
#include "reporter/read/kernel_locks.h"

#include <span>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// A process that the run knows nothing of, with a lock that somebody of the run waits for.
struct OutsideHolder {
    std::uint32_t lock = no_index; ///< in Run::locks: the one that is wanted
    std::int32_t pid = 0;
    std::vector<std::string> command; ///< empty where the process is gone
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< bytes, both included
};

/// From when on a wait is worth a look at the kernel's list.
inline constexpr std::uint64_t long_wait_ns = 100'000'000;

/// Is there a wait that is long, and that nobody of the run is in the way of?
[[nodiscard]] bool needs_outside_holders(const LiveLocks &locks);

/// The processes outside the run that hold what such waits are for, each lock of theirs once. Of ofd locks
/// the kernel does not tell whose they are.
[[nodiscard]] std::vector<OutsideHolder> outside_holders(const Run &run, const LiveLocks &locks,
                                                         std::span<const KernelLock> held);

/// The same, asking the kernel where needs_outside_holders.
[[nodiscard]] std::vector<OutsideHolder> outside_holders(const Run &run, const LiveLocks &locks);

} // namespace flockstat::reporter
