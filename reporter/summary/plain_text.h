/// summary.txt of a run that was preloaded without the command: short, with sites as module + offset.
#pragma once

#include "reporter/summary/plain_json.h"

namespace flockstat::summary {

/// A duration with three digits and a unit, "1.25 ms", in `room`; returns what was written.
[[nodiscard]] std::string_view short_time(std::uint64_t ns, std::span<char, 24> room);

void write_text(const Summary &summary, OutFile &file);

} // namespace flockstat::summary
