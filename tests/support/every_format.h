/// A run through all that turns it into something to look at, each checked by the rules of its format.
#pragma once

#include "reporter/read/run.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace flockstat::test {

/// What a run is written as.
struct Format {
    std::string_view name;
    /// Folds and writes the run in that format; `variant` chooses among its options. What is wrong with the
    /// result, or nothing.
    std::string (*fault)(const reporter::Run &run, unsigned variant);
    unsigned variants; ///< that differ, from 0
};

/// All of them: the formats of `report`, what `ps`, `top`, `diff` and `check` show, and the events and files
/// of a run's windows.
extern const std::array<Format, 14> formats;

/// What a bare preload writes of a recording as its first process ends. Uses the directory, and empties it.
[[nodiscard]] std::string fault_in_bare_summary(std::span<const std::byte> recording,
                                                const std::filesystem::path &directory);

} // namespace flockstat::test
