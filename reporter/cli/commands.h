/// What the command does.
#pragma once

#include "reporter/cli/options.h"

namespace flockstat::cli {

/// Runs the command and leaves its summary. Returns the exit status that tells COMMAND's end. Throws Failure.
[[nodiscard]] int run(const RunOptions &options);

/// Shows runs, and brings their directories up to date. Returns the exit status. Throws Failure.
[[nodiscard]] int report(const ReportOptions &options);

/// Shows who holds and who waits in runs that go on. Returns the exit status. Throws Failure.
[[nodiscard]] int ps(const PsOptions &options);

/// Watches runs that go on, in a terminal, until it is told to end. Returns the exit status. Throws Failure.
[[nodiscard]] int top(const TopOptions &options);

/// Checks runs against limits: prints a line for each that is broken. Returns 0, or status_rules_broken.
/// Throws Failure.
[[nodiscard]] int check(const CheckOptions &options);

/// Shows what changed between two sets of runs. Returns the exit status. Throws Failure.
[[nodiscard]] int diff(const DiffOptions &options);

} // namespace flockstat::cli
