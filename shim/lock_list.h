/// The kernel's list of all file locks (man 5 proc: /proc/locks), asked after a close whether it took a lock
/// away that something else than a descriptor might have kept. Async-signal-safe, errno untouched.
#pragma once

#include "shim/same_description.h"

#include <cstdint>
#include <string_view>

namespace flockstat::shim {

/// A line of the list without its ordinal, as a number that two different ones seldom share.
[[nodiscard]] std::uint64_t hash_lock_line(std::string_view line);

/// In pid namespaces below the first the list leaves out flock locks whose process has ended (locks_show of
/// fs/locks.c). The process that a line (of LockLines::text) depends on; 0: on none; -1: the line cannot be
/// relied on.
[[nodiscard]] std::int32_t listed_with(std::string_view line);

/// Is a line with this hash on the list? Unknown where it cannot be read, or the process that it depends on
/// has ended.
[[nodiscard]] Answer is_listed(std::uint64_t line_hash, std::int32_t with_pid);

} // namespace flockstat::shim
