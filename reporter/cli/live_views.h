/// Runs that go on, read at one moment, and the code in them.
#pragma once

#include "reporter/analyze/live_locks.h"
#include "reporter/symbolize/symbolize.h"

#include <filesystem>
#include <span>
#include <vector>

namespace flockstat::cli {

/// Those of the files that are runs which go on. One that was named must be readable: throws Failure; one
/// that was found may have ended meanwhile, or be another version's. Without `past`: see read_present.
[[nodiscard]] std::vector<reporter::Run> read_live(std::span<const std::filesystem::path> files, bool named,
                                                   bool past = true);

/// The frames of the stacks that are held or wanted at, by their number in the run; the others stay empty.
[[nodiscard]] std::vector<std::vector<reporter::SourceFrame>>
sites_of(const reporter::Run &run, const reporter::LiveLocks &locks, reporter::Symbolizer &symbolizer);

} // namespace flockstat::cli
