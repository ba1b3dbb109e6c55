/// How often this process made others that have its open file descriptions, and whether it is at it now.
#pragma once

#include <cstdint>

/// How often this process made a child or another process that may share its open file descriptions; counted
/// before it is made. Counted by vfork.S and syscall_entry.S too.
extern "C" __attribute__((visibility("hidden"))) std::uint32_t flockstat_fork_epoch;

/// Children that are being made at this moment: counted, but the kernel may have copied the descriptors or
/// not. Raised before flockstat_fork_epoch is.
extern "C" __attribute__((visibility("hidden"))) std::uint32_t flockstat_forks_under_way;

namespace flockstat::shim {

/// The present value of flockstat_fork_epoch; never 0.
[[nodiscard]] inline std::uint32_t fork_epoch() {
    return __atomic_load_n(&flockstat_fork_epoch, __ATOMIC_RELAXED);
}

/// The same, or 0 while a child is being made: it may get what is opened now, or not.
[[nodiscard]] inline std::uint32_t settled_epoch() {
    const std::uint32_t epoch = __atomic_load_n(&flockstat_fork_epoch, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&flockstat_forks_under_way, __ATOMIC_ACQUIRE) == 0 ? epoch : 0;
}

/// Around the making of a child that gets copies of the descriptors, in the parent. A child starts with none
/// under way.
inline void begin_making_child() {
    __atomic_fetch_add(&flockstat_forks_under_way, 1U, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&flockstat_fork_epoch, 1U, __ATOMIC_SEQ_CST);
}
inline void end_making_child() { __atomic_fetch_sub(&flockstat_forks_under_way, 1U, __ATOMIC_RELEASE); }

} // namespace flockstat::shim
