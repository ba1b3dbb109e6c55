#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/strace_count.h"

namespace flockstat::test {

/// A command that ran under flockstat, and what came back.
struct RecordedRun {
    Outcome outcome;        ///< of `flockstat run`, or of the preloaded command
    nlohmann::json summary; ///< DIR/summary.json, as the run left it; null when there is none (nothing
                            ///< locked; a preloaded command was killed)
    nlohmann::json report;  ///< `flockstat report DIR -f json`; null when nothing was recorded
    std::filesystem::path directory; ///< of the run
};

/// `flockstat run --quiet -o DIR OPTIONS -- COMMAND`, then reads DIR/summary.json and `flockstat report DIR
/// -f json`, checks that both agree and that each keeps the rules of check_report. DIR must not hold a run
/// yet.
[[nodiscard]] RecordedRun flockstat_run(const Command &command, const std::filesystem::path &directory,
                                        const std::vector<std::string> &options = {});

/// The command with only LD_PRELOAD and FLOCKSTAT_DIR, and the same checks.
[[nodiscard]] RecordedRun preload_run(const Command &command, const std::filesystem::path &directory);

/// The command of `flockstat run --quiet -o DIR OPTIONS -- COMMAND`, for a test that steers it as a Process.
[[nodiscard]] Command under_flockstat(const Command &command, const std::filesystem::path &directory,
                                      const std::vector<std::string> &options = {});

/// The command with LD_PRELOAD and FLOCKSTAT_DIR added to its environment.
[[nodiscard]] Command preloaded(const Command &command, const std::filesystem::path &directory);

/// `flockstat report DIR -f json`, checked. Throws std::runtime_error with the command's words when it fails.
[[nodiscard]] nlohmann::json read_report(const std::filesystem::path &directory);

/// `flockstat ARGUMENTS...` by itself.
[[nodiscard]] Outcome run_flockstat(const std::vector<std::string> &arguments);

/// The one lock of that path and family. Fails the test, printing all locks, when there is none or more than
/// one.
[[nodiscard]] nlohmann::json lock_of(const nlohmann::json &report, const std::filesystem::path &path,
                                     const std::string &family);

/// The counts of a report in the form of strace's. Files that followed one another at a path are one lock
/// here, because strace knows a lock by its path alone.
[[nodiscard]] LockCounts counts_of(const nlohmann::json &report);

/// All whole numbers of `object` named in `keys`, added up.
[[nodiscard]] std::int64_t sum_of(const nlohmann::json &object, const std::vector<std::string> &keys);

/// Checks (Catch2 CHECKs) what holds for every report: no negative number anywhere; attempts split into their
/// five ends; a lock's modes, a run's locks, sites and processes add up; min <= p50 <= p90 <= p99 <= max; a
/// wait a contended acquisition; every sampled region has an end.
void check_report(const nlohmann::json &report);

} // namespace flockstat::test
