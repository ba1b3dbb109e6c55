/// What the JSON of several commands has in common.
#pragma once

#include "reporter/analyze/report.h"

#include <nlohmann/json.hpp>

namespace flockstat::reporter {

using Json = nlohmann::ordered_json;

/// A frame of a site.
[[nodiscard]] Json frame_object(const SourceFrame &frame);

/// A lock, or several that are summed up.
[[nodiscard]] Json lock_object(const LockReport &lock);

/// What was run, when and where.
[[nodiscard]] Json run_object(const RunReport &run);

/// What the recording had no room for.
[[nodiscard]] Json lost_object(const record::Lost &lost);

/// The whole report, schema "flockstat.report/1".
[[nodiscard]] Json report_object(const Report &report);

} // namespace flockstat::reporter
