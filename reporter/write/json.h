/// The report as one JSON object, schema "flockstat.report/1" (see reporter/README.md).
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_sink.h"

#include <string>

namespace flockstat::reporter {

/// Indented, with a newline at its end, and always valid UTF-8. Bytes of paths, commands and names that are
/// no UTF-8 come out as \xHH.
void write_json(const Report &report, const TextSink &sink);

/// The same, in memory.
[[nodiscard]] std::string to_json(const Report &report);

} // namespace flockstat::reporter
