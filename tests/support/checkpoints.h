#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace flockstat::test {

/// The expected ends of a lock's regions by cause; what is not named is zero.
using Ends = std::map<std::string, int>;

/// Checks (Catch2 CHECKs) that a lock's `released` says exactly that.
void check_released(const nlohmann::json &lock, const Ends &expected);

/// Runs, under `flockstat run -o DIRECTORY`, a program that says at its checkpoints what the kernel holds
/// (tests/programs/kernel_view.h). At each one the report of the live run must say the same of that file: as
/// many flock regions still held, and ranges of the other families held or not. `but_at` names a step at
/// which flockstat may know less than the kernel. The program must end with status 0. Returns the report of
/// the whole run.
[[nodiscard]] nlohmann::json run_checkpoints(const std::vector<std::string> &argv,
                                             const std::filesystem::path &directory,
                                             const std::string &but_at = {});

} // namespace flockstat::test
