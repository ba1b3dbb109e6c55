/// What changed between two sets of runs, as JSON.
#pragma once

#include "reporter/analyze/difference.h"

#include <string>

namespace flockstat::reporter {

/// One object, schema "flockstat.diff/1", as reporter/README.md describes it; ends with a newline.
[[nodiscard]] std::string difference_json(const Difference &difference);

} // namespace flockstat::reporter
