/// The command lines of the commands that compare runs with something.
#pragma once

#include "reporter/cli/options.h"

#include <string>
#include <vector>

namespace flockstat::cli {

/// What stands behind `check`. A wrong one is Answered, with status_usage.
[[nodiscard]] Invocation read_check(const std::vector<std::string> &arguments);

/// The same of `diff`.
[[nodiscard]] Invocation read_diff(const std::vector<std::string> &arguments);

} // namespace flockstat::cli
