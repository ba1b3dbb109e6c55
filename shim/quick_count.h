/// The way of an ordinary call: an uncontended flock, or an unlock, of a descriptor, a stack and a thread
/// that are known. It is what the bookkeeping does with such a call (attempt.h, ownership.h), without a look
/// at what cannot be the case; whatever might be is left to the bookkeeping, untouched.
#pragma once

#include "shim/lock_call.h"
#include "shim/unwind.h"

namespace flockstat::shim {

/// Counts a flock call that succeeded without waiting. False where it is not that ordinary; then nothing was
/// done. Async-signal-safe; errno untouched.
[[nodiscard]] bool count_quickly(const LockCall &call, int descriptor, const CallSite &site,
                                 std::uint64_t start_ticks, std::uint64_t end_ticks);

} // namespace flockstat::shim
