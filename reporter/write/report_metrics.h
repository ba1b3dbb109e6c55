/// The report as metrics.
#pragma once

#include "reporter/analyze/report.h"

#include <string>

namespace flockstat::reporter {

/// The whole run as OpenMetrics text, which Prometheus's text format is too (metrics.h): for a textfile
/// collector or a push gateway, once a job has ended. Locks by path and family; times are seconds.
[[nodiscard]] std::string to_metrics(const Report &report);

} // namespace flockstat::reporter
