/// Samples of one counter, summed up over leaves, in memory of fixed size.
#pragma once

#include "reporter/record/arena_view.h"
#include "reporter/summary/tick_scale.h"

#include <span>

namespace flockstat::summary {

/// What a report shows of a counter; all 0 without samples.
struct StatNumbers {
    std::uint64_t count = 0, sum_ns = 0, mean_ns = 0, min_ns = 0, max_ns = 0, value_ns = 0;
    std::uint64_t p50_ns = 0, p90_ns = 0, p99_ns = 0;
};

struct ValueCount {
    std::uint64_t value_ns;
    std::uint64_t count;
};

/// More calls than this were never counted by any run: a greater count is damage.
inline constexpr std::uint64_t plausible_count = std::uint64_t{1} << 48;

/// Could these numbers come from real samples? What fails is left out of a report.
template<typename Stored>
[[nodiscard]] bool is_plausible(const Stored &stat) {
    return stat.count == 0 || (stat.count <= plausible_count && stat.min_ticks <= stat.max_ticks &&
                               stat.sum_ticks >= stat.min_ticks);
}

/// Summary without a distribution.
struct ShortSum {
    StatNumbers numbers; ///< without mean and percentiles
    std::int64_t last_at_ns = 0;

    void merge(const ShortSum &other);
    /// With the mean, rounded to the nearest.
    [[nodiscard]] StatNumbers with_mean() const;
};

/// One sample that was taken at `at_ns` since 1970.
[[nodiscard]] ShortSum one_sample(std::uint64_t value_ns, std::int64_t at_ns);

/// What an arena stores of a counter, in nanoseconds.
template<typename Stored>
[[nodiscard]] ShortSum in_ns(const Stored &stat, const TickScale &scale) {
    ShortSum sum;
    if (stat.count != 0) {
        sum.numbers.count = stat.count;
        sum.numbers.sum_ns = scale.duration_ns(stat.sum_ticks);
        sum.numbers.min_ns = scale.duration_ns(stat.min_ticks);
        sum.numbers.max_ns = scale.duration_ns(stat.max_ticks);
        sum.numbers.value_ns = scale.duration_ns(stat.last_ticks);
        sum.last_at_ns = scale.moment_ns(stat.last_at_ticks);
    }
    return sum;
}

/// Sums up one counter after the other, all with the same room for their distribution. Where that gets full,
/// values are rounded to the steps of a histogram, which keeps percentiles within 3.2 %.
class SampleSum {
public:
    /// `room` holds at least 4096 values and is the caller's; it is overwritten.
    SampleSum(const record::ArenaView &arena, const TickScale &scale, std::span<ValueCount> room)
        : arena_(arena), scale_(scale), room_(room) {}

    /// Forgets all samples.
    void clear();
    void add(const record::Stat &stat);
    /// One sample that was taken at `at_ns` since 1970.
    void add_sample(std::uint64_t value_ns, std::int64_t at_ns);

    /// All of it.
    [[nodiscard]] StatNumbers numbers();

private:
    void add_value(std::uint64_t value_ns, std::uint64_t count);
    void compact();
    [[nodiscard]] std::uint64_t percentile(unsigned hundredths, std::uint64_t total) const;

    record::ArenaView arena_;
    const TickScale &scale_;
    std::span<ValueCount> room_;
    std::size_t used_ = 0;
    ShortSum sum_;
};

/// a + b, or the greatest value where that does not fit.
[[nodiscard]] inline std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

} // namespace flockstat::summary
