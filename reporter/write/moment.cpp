#include "reporter/write/moment.h"

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace flockstat::reporter {

std::string rfc3339(std::int64_t at_ns) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    const std::int64_t seconds = at_ns / second_ns - (at_ns % second_ns < 0 ? 1 : 0);
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", parts, (at_ns - seconds * second_ns) / 1'000'000);
}

} // namespace flockstat::reporter
