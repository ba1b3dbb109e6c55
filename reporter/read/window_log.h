/// The windows of a run that was watched while it went on: JSON Lines of its Stat and Window events.
#pragma once

#include "reporter/read/run.h"

#include <filesystem>
#include <vector>

namespace flockstat::reporter {

/// Where the events of the windows of a run's file stand: run.windows.jsonl beside run.flk.
[[nodiscard]] std::filesystem::path window_file(const std::filesystem::path &run_file);

/// Reads them. Empty where there is no such file. Nothing in it is trusted: lines that are no events, or hold
/// what cannot be, are passed over, and Stats that no Window event ended are left out.
[[nodiscard]] std::vector<Window> read_windows(const std::filesystem::path &file);

} // namespace flockstat::reporter
