/// The report as metrics.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_sink.h"

namespace flockstat::reporter {

/// The whole run as OpenMetrics text, which Prometheus's text format is too (metrics.h): for a textfile
/// collector or a push gateway, once a job has ended. Locks by path and family; times are seconds.
void write_metrics(const Report &report, const TextSink &sink);

} // namespace flockstat::reporter
