/// Moments as text.
#pragma once

#include <cstdint>
#include <string>

namespace flockstat::reporter {

/// A moment, in nanoseconds since 1970, as RFC 3339 has it, in UTC, to the millisecond.
[[nodiscard]] std::string rfc3339(std::int64_t at_ns);

} // namespace flockstat::reporter
