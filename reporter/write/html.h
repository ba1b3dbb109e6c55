/// The report as one HTML page that needs nothing else: no network, no file beside it.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_sink.h"

namespace flockstat::reporter {

/// The page that is built from reporter/write/html/, with two elements of data before its end: `report` holds
/// what to_json gives, `extras` what only people's reports have (see html_extras.h). Always valid UTF-8. What
/// programs chose (paths, commands, names) stands in those elements alone, and cannot end them.
void write_html(const Report &report, const TextSink &sink);

} // namespace flockstat::reporter
