/// Which other process has the same open file description: what the kernel answers (man 2 kcmp), since no
/// count of our own could know of children that were never seen. Called inside the bookkeeping, for
/// descriptors that are still open; async-signal-safe, errno untouched.
#pragma once

#include "shim/run.h"

/// How often this process made a child or another process that may share its open file descriptions; counted
/// before it is made. Counted by vfork.S and syscall_entry.S too.
extern "C" __attribute__((visibility("hidden"))) std::uint32_t flockstat_fork_epoch;

namespace flockstat::shim {

/// The present value of flockstat_fork_epoch; never 0.
[[nodiscard]] inline std::uint32_t fork_epoch() {
    return __atomic_load_n(&flockstat_fork_epoch, __ATOMIC_RELAXED);
}

enum class Answer : std::uint8_t { no, yes, unknown };

/// Another process and its descriptor of the same open file description.
struct CoHolder {
    std::int32_t pid = 0;
    int descriptor = -1;
};

/// Was our descriptor's open file description surely made by this image, which never forked?
[[nodiscard]] bool is_surely_own(int descriptor);

/// Is descriptor `theirs` of process `pid` the open file description of our `ours`? Unknown where the kernel
/// does not let us ask, and both are the same file.
[[nodiscard]] Answer is_same_description(int ours, std::int32_t pid, int theirs);

/// Looks for another process that has our descriptor's open file description: the parent, the children, and
/// those that were noted for the region. `region` may be null. Those that said that they end do not count.
[[nodiscard]] Answer find_co_holder(int ours, const record::Region *region, CoHolder *out);

/// Makes the region's list of sharers, so that a child finds it. In the process that is about to fork.
void make_sharers(record::Region &region);

/// Notes that process `pid` may have the region too.
void note_sharer(record::Region &region, std::int32_t pid);

/// The latest record of a process of this pid namespace; nullptr where it has none.
[[nodiscard]] record::Process *find_process(std::int32_t pid, record::Ref *ref);

} // namespace flockstat::shim
