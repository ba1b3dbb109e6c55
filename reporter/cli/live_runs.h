/// Runs that go on right now.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace flockstat::cli {

/// The recordings of all runs that this user may read and that may go on, where recordings live:
/// FLOCKSTAT_ARENA_DIR, /dev/shm, $TMPDIR, /tmp. In the order of their names.
[[nodiscard]] std::vector<std::filesystem::path> arenas_in_memory();

/// What `ps` and its kind are to look at. A directory or file: its runs. A number: the run that a process of
/// that pid belongs to. Nothing: all that go on. Throws Failure where there is no such thing.
[[nodiscard]] std::vector<std::filesystem::path> live_run_files(const std::optional<std::string> &target);

} // namespace flockstat::cli
