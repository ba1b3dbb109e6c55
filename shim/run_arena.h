/// The arena of the run on disk: where it is, and what names it in the run's directory.
#pragma once

#include "shim/path_text.h"
#include "shim/run.h"

namespace flockstat::shim {

/// Maps the arena of run.identity into run.arena; makes it, the run's directory and its link where nobody
/// did. Returns 0 or an errno;
/// `*what` names what could not be had. Async-signal-safe, errno untouched.
[[nodiscard]] int open_or_create_arena(std::string_view *what);

/// Finds the link DIR/run.flk (run.2.flk, ...) that leads to this run's arena. Where somebody removed it, or
/// the directory, while the arena is there: makes it anew. False where there is none.
[[nodiscard]] bool find_arena_link(PathText *name);

/// Removes the arena's file; who has it mapped goes on.
void remove_arena_file();

} // namespace flockstat::shim
