/// Ticks of a run -> nanoseconds.
#pragma once

#include "reporter/record/arena.h"

#include <cstdint>

namespace flockstat::reporter {

/// Converts by two readings of the run's clock against CLOCK_MONOTONIC: the header's first one and, the
/// farther apart the better, one taken now where the run goes on and is of this boot of this machine, else
/// the header's latest.
class RunClock {
public:
    /// Reads this machine's boot id, host name and clocks.
    explicit RunClock(const record::Header &header);

    /// A duration in nanoseconds, rounded; the greatest value where it does not fit.
    [[nodiscard]] std::uint64_t duration_ns(std::uint64_t ticks) const;

    /// A moment in nanoseconds since 1970. Kept within +-2^62, so that the difference of two moments always
    /// fits.
    [[nodiscard]] std::int64_t moment_ns(std::uint64_t ticks) const;

    /// The same of a moment of CLOCK_MONOTONIC in microseconds.
    [[nodiscard]] std::int64_t moment_of_monotonic_us(std::uint64_t us) const;

    /// The run was recorded since this machine was started, so its clock is ours and its processes may live.
    [[nodiscard]] bool of_this_boot() const { return of_this_boot_; }

    /// Ticks now; only where of_this_boot().
    [[nodiscard]] std::uint64_t now_ticks() const { return now_ticks_; }

    /// There was no second reading: this machine's own rate stands in for that of the recording one.
    [[nodiscard]] bool estimated() const { return estimated_; }

private:
    [[nodiscard]] bool calibrate(const record::ClockReading &first, const record::ClockReading &second);

    std::uint64_t start_ticks_;
    std::int64_t start_at_ns_;
    std::uint64_t start_monotonic_ns_;
    std::uint64_t tick_span_ = 1; ///< so many ticks are ...
    std::uint64_t ns_span_ = 1;   ///< ... so many nanoseconds
    bool of_this_boot_;
    bool estimated_ = false;
    std::uint64_t now_ticks_ = 0;
};

} // namespace flockstat::reporter
