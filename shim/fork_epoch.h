/// How often this process made others that have its open file descriptions.
#pragma once

#include <cstdint>

/// How often this process made a child or another process that may share its open file descriptions; counted
/// before it is made. Counted by vfork.S and syscall_entry.S too.
extern "C" __attribute__((visibility("hidden"))) std::uint32_t flockstat_fork_epoch;

namespace flockstat::shim {

/// The present value of flockstat_fork_epoch; never 0.
[[nodiscard]] inline std::uint32_t fork_epoch() {
    return __atomic_load_n(&flockstat_fork_epoch, __ATOMIC_RELAXED);
}

} // namespace flockstat::shim
