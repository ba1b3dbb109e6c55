/// The processes of the run that are there now, in the arena: those that can have an open file description of
/// another one, however it came to them. Async-signal-safe; errno untouched.
#pragma once

#include "shim/run.h"

namespace flockstat::shim {

/// Puts this process down; at its start, and in a child of fork. Where there is no room the header says so.
void join_roster();

/// Takes it away again: it ends.
void leave_roster();

/// Puts this process's children down that it made other than by fork: they may not have come so far yet as to
/// do it themselves, and some never will (static programs). False where /proc does not tell. Slow.
[[nodiscard]] bool note_children();

/// Did this process make any children?
[[nodiscard]] bool made_children();

/// One place of the roster.
struct Present {
    std::int32_t pid;
    std::uint64_t since_ticks; ///< it was there at this time, and perhaps not before
};

inline Present present_of(std::uint64_t place) {
    constexpr std::uint64_t pids = (std::uint64_t{1} << record::roster_pid_bits) - 1;
    return {static_cast<std::int32_t>(place & pids), place & ~pids};
}

/// Are there processes of the run in other pid namespaces, which cannot be asked? Those that were killed
/// there count, too.
[[nodiscard]] bool others_elsewhere();

inline constexpr unsigned max_roster_groups = 512; ///< 15,360 processes at a time

/// Calls visit(Present) for each until it returns true, and returns whether it did. This process is not among
/// them, nor are those of other pid namespaces.
template<typename Visit>
[[nodiscard]] bool visit_roster(Visit visit) {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    record::Ref ref = header != nullptr ? __atomic_load_n(&header->roster, __ATOMIC_ACQUIRE) : 0;
    for (unsigned i = 0; i < max_roster_groups; ++i) {
        const auto *group = record::resolve<record::RosterGroup>(run.arena, ref);
        if (group == nullptr) {
            return false;
        }
        const bool visible = group->pid_namespace == static_cast<std::uint32_t>(run.pid_namespace);
        for (const std::uint64_t &place : group->places) {
            const Present present = present_of(__atomic_load_n(&place, __ATOMIC_ACQUIRE));
            if (visible && present.pid != 0 && visit(present)) {
                return true;
            }
        }
        ref = group->next;
    }
    return false;
}

} // namespace flockstat::shim
