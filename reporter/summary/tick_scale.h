/// Ticks of an arena -> nanoseconds, by the two readings of its clock that the header holds.
#pragma once

#include "reporter/record/arena.h"

#include <algorithm>
#include <cstdint>

namespace flockstat::summary {

/// Converts as the reader of finished runs does. Whoever sums a run up renews the header's latest reading
/// first.
class TickScale {
public:
    explicit TickScale(const record::Header &header)
        : start_ticks_(header.started.ticks),
          start_at_ns_(
              static_cast<std::int64_t>(std::min<std::uint64_t>(header.started.realtime_ns, moment_limit))) {
        const record::ClockReading latest = header.latest;
        if (header.clock == record::Clock::tsc && latest.ticks > start_ticks_ &&
            latest.monotonic_ns > header.started.monotonic_ns) {
            tick_span_ = latest.ticks - start_ticks_;
            ns_span_ = latest.monotonic_ns - header.started.monotonic_ns;
        }
    }

    /// The same for times that are microseconds of CLOCK_MONOTONIC.
    [[nodiscard]] static TickScale of_microseconds(const record::Header &header) {
        TickScale scale(header);
        scale.start_ticks_ = header.started.monotonic_ns / 1000;
        scale.tick_span_ = 1;
        scale.ns_span_ = 1000;
        return scale;
    }

    /// A duration in nanoseconds, rounded; the greatest value where it does not fit.
    [[nodiscard]] std::uint64_t duration_ns(std::uint64_t ticks) const {
        if (tick_span_ == ns_span_) {
            return ticks;
        }
        const auto scaled = (static_cast<unsigned __int128>(ticks) * ns_span_ + tick_span_ / 2) / tick_span_;
        return scaled > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(scaled);
    }

    /// A moment in nanoseconds since 1970, within +-2^62.
    [[nodiscard]] std::int64_t moment_ns(std::uint64_t ticks) const {
        const bool before = ticks < start_ticks_;
        const std::uint64_t span = duration_ns(before ? start_ticks_ - ticks : ticks - start_ticks_);
        const auto offset = static_cast<std::int64_t>(std::min<std::uint64_t>(span, moment_limit));
        return std::clamp(start_at_ns_ + (before ? -offset : offset), -moment_limit, moment_limit);
    }

private:
    static constexpr std::int64_t moment_limit = std::int64_t{1} << 62;

    std::uint64_t start_ticks_;
    std::int64_t start_at_ns_;
    std::uint64_t tick_span_ = 1; ///< so many ticks are ...
    std::uint64_t ns_span_ = 1;   ///< ... so many nanoseconds
};

} // namespace flockstat::summary
