/// What the JSON of several commands has in common.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <nlohmann/json.hpp>

namespace flockstat::reporter {

using Json = nlohmann::ordered_json;

/// A frame of a site.
[[nodiscard]] Json frame_object(const SourceFrame &frame);

} // namespace flockstat::reporter
