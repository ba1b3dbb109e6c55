/// Samples as a report has them.
#pragma once

#include "reporter/analyze/report.h"

namespace flockstat::reporter {

/// Without percentiles.
[[nodiscard]] Stat short_stat(const Samples &samples);

[[nodiscard]] Stat full_stat(const Samples &samples);

} // namespace flockstat::reporter
