/// Keeps the command alive where somebody truncates the arena's file under its mapping.
#pragma once

#include "reporter/record/arena_file.h"

namespace flockstat::cli {

/// From the first one on: the kernel answers what touches memory beyond the end of a mapped file with SIGBUS
/// (man 2 mmap). On the arena's memory that puts private zeros in the place of the whole mapping, and the
/// command goes on. One at a time. The preloaded programs have no such handler: they would see it.
class ArenaGuard {
public:
    explicit ArenaGuard(const record::Mapping &arena);
    ~ArenaGuard();
    ArenaGuard(const ArenaGuard &) = delete;
    ArenaGuard &operator=(const ArenaGuard &) = delete;

    /// Did that happen? Then the arena holds nothing any more.
    [[nodiscard]] bool truncated() const;
};

} // namespace flockstat::cli
