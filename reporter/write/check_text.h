/// What a check of rules found, as text.
#pragma once

#include "reporter/analyze/rules.h"

#include <string>
#include <vector>

namespace flockstat::reporter {

/// A line for each broken rule and lock: "/a.lock (flock): enter.p99 is 501 ms, over enter.p99=10ms". Control
/// characters of paths are escaped.
[[nodiscard]] std::string check_text(const Report &report, const std::vector<Rule> &rules,
                                     const std::vector<BrokenRule> &broken);

} // namespace flockstat::reporter
