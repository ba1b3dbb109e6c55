/// The clock that an arena's ticks are read from.
#pragma once

#include "reporter/record/words.h"

#include <ctime>

namespace flockstat::record {

inline std::uint64_t monotonic_ns(clockid_t id = CLOCK_MONOTONIC) {
    timespec now{};
    clock_gettime(id, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Ticks now. Not ordered against surrounding loads and stores; a system call in between orders enough.
/// Async-signal-safe.
inline std::uint64_t read_ticks(Clock clock) {
#if defined(__x86_64__)
    if (clock == Clock::tsc) {
        return __builtin_ia32_rdtsc();
    }
#endif
    return monotonic_ns();
}

} // namespace flockstat::record
