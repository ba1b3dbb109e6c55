/// What the JSON of several commands has in common.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/json_stream.h"

namespace flockstat::reporter {

/// A frame of a site.
[[nodiscard]] Json frame_object(const SourceFrame &frame);
void put(JsonStream &json, const SourceFrame &frame);

/// A member that is an array of texts.
void put_texts(JsonStream &json, std::string_view name, const std::vector<std::string> &texts);

/// A lock, or several that are summed up.
void put(JsonStream &json, const LockReport &lock);

/// What was run, when and where.
[[nodiscard]] Json run_object(const RunReport &run);

/// What the recording had no room for.
[[nodiscard]] Json lost_object(const record::Lost &lost);

/// The whole report, schema "flockstat.report/1".
void put(JsonStream &json, const Report &report);

} // namespace flockstat::reporter
