/// What changed between two sets of runs, as text for a terminal.
#pragma once

#include "reporter/analyze/difference.h"
#include "reporter/write/text.h"

#include <string>

namespace flockstat::reporter {

/// What it came to for the whole of a run, then the locks that changed most, with where their waiting
/// changed. Ends with a newline. `options.sort` is not looked at: what changed most comes first. Control
/// characters of paths and names are escaped.
[[nodiscard]] std::string difference_text(const Difference &difference, const TextOptions &options);

} // namespace flockstat::reporter
