/// The summary that a run leaves which was preloaded without the command: written by the run's first process,
/// as it exits.
#pragma once

#include "reporter/record/arena_file.h"

#include <string_view>

namespace flockstat::summary {

/// Writes summary.txt, summary.json and, where no process of the run is left (header.left_running is 0), the
/// arena's copy under `flk_name`, which replaces the link to the live arena. Each file appears complete or
/// not at all. Returns 0, or the errno of the first file that could not be written; the others are written
/// all the same.
///
/// Before it: the caller notes its own end in its process record, sets header.ended, command_status and
/// left_running, and renews the header's clock, which times are converted by. After a 0, where nobody is
/// left, it removes the arena's file; otherwise that stays, for `report`.
///
/// Works inside a foreign process: raw system calls, no allocation but one mapping that is gone again
/// afterwards, no exception, errno untouched. Nothing that stands in the arena is trusted. Takes some 10 ms
/// for a thousand leaves; takes less than 8 KB of the stack.
[[nodiscard]] int write_plain_summary(const record::Mapping &arena, std::string_view directory,
                                      std::string_view flk_name);

} // namespace flockstat::summary
