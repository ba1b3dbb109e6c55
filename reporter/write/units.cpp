#include "reporter/write/units.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

/// value / unit with three digits: 1.25, 12.5, 125. False where that would round up to 1000.
bool three_digits(std::uint64_t value, std::uint64_t unit, std::string *out) {
    unsigned decimals = 2;
    for (std::uint64_t scale : {std::uint64_t{100}, std::uint64_t{10}, std::uint64_t{1}}) {
        const auto scaled =
            static_cast<std::uint64_t>((static_cast<unsigned __int128>(value) * scale + unit / 2) / unit);
        if (scaled < 1000) {
            *out = decimals == 0 ? fmt::format("{}", scaled)
                                 : fmt::format("{}.{:0{}}", scaled / scale, scaled % scale, decimals);
            return true;
        }
        --decimals;
    }
    return false;
}

} // namespace

std::string human_time(std::uint64_t ns, bool unicode) {
    constexpr std::uint64_t us = 1'000;
    constexpr std::uint64_t ms = 1'000'000;
    constexpr std::uint64_t s = 1'000'000'000;
    constexpr std::uint64_t minute = 60 * s;
    constexpr std::uint64_t hour = 60 * minute;
    std::string digits;
    if (ns < us) {
        return fmt::format("{} ns", ns);
    }
    if (ns < ms && three_digits(ns, us, &digits)) {
        return digits + (unicode ? " µs" : " us");
    }
    if (ns < s && three_digits(ns, ms, &digits)) {
        return digits + " ms";
    }
    if (ns < 2 * minute && three_digits(ns, s, &digits)) {
        return digits + " s";
    }
    if (ns < 2 * hour) {
        const std::uint64_t seconds = (ns + s / 2) / s;
        return fmt::format("{} m {:02} s", seconds / 60, seconds % 60);
    }
    const std::uint64_t minutes = ns / minute + (ns % minute >= minute / 2 ? 1 : 0);
    return fmt::format("{} h {:02} m", minutes / 60, minutes % 60);
}

std::string human_count(std::uint64_t count) {
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string human_share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return "-";
    }
    const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    if (part == 0) {
        return "0 %";
    }
    if (percent < 0.1) {
        return "<0.1 %";
    }
    return percent < 9.95 ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

std::string counted(std::uint64_t count, const std::string &singular, const std::string &plural) {
    return human_count(count) + " " + (count == 1 ? singular : plural);
}

} // namespace flockstat::reporter
