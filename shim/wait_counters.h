/// Wait counters that the program drives itself, through the dynamic backend of PyTorch's
/// (interpose_pytorch.cpp): the counters of this process in the arena.
///
/// Starts and stops come from any thread, many at once, in any order, nested; some are never stopped. A wait
/// that was begun before a fork is its parent's, and is not counted in the child. Nothing here allocates or
/// blocks; a start and a stop cost two short critical sections and no clock reading, because the program
/// tells the time.
#pragma once

#include "reporter/record/arena.h"
#include "shim/spin_lock.h"

#include <cstdint>
#include <string_view>

namespace flockstat::shim {

/// One key of this process. Private memory, never freed: threads may use it at any time.
struct KeyCounter {
    SpinLock lock;
    KeyCounter *next = nullptr;
    record::Ref name = 0;
    std::uint32_t generation = 0; ///< of the process that `record` is for
    record::WaitCounter *record = nullptr;
};

/// The counter of a key, one for all that ask for the same one; nullptr where this process does not record,
/// or where there is no room. Slow, any thread.
[[nodiscard]] KeyCounter *find_key_counter(std::string_view key);

/// A wait begins. Returns what stop_wait needs: 0 where the wait is not counted. `now_us`: of the steady
/// clock, which is CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t start_wait(KeyCounter &counter, std::int64_t now_us);

/// The wait whose start_wait returned `context` ends.
void stop_wait(KeyCounter &counter, std::int64_t now_us, std::int64_t context);

} // namespace flockstat::shim
