/// Stacks with their times, as tools for flame graphs read them.
#pragma once

#include "reporter/analyze/report.h"

#include <string>

namespace flockstat::reporter {

/// Which time of a site is shown.
enum class SiteTime { wait, hold };

/// A line a stack, in alphabetical order: "frame;frame;frame NANOSECONDS", the lock's path as the outermost
/// frame, then the call stack, innermost frame last. Sites without such time are left out. ';' in a name
/// becomes \x3b, control characters and bytes that are no UTF-8 \xHH (newline \n).
[[nodiscard]] std::string to_folded(const Report &report, SiteTime time);

} // namespace flockstat::reporter
