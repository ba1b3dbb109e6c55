/// How sure a difference of two means is.
#pragma once

#include <optional>
#include <span>

namespace flockstat::reporter {

struct Interval {
    double low = 0, high = 0;
};

/// Where mean(after) - mean(before) lies with 95 % confidence, by the percentile bootstrap: both sets are
/// drawn anew, with replacement, 10,000 times. Nothing where a set has fewer than two values, which say
/// nothing about how far values scatter. The same values always give the same interval. With few values it is
/// too narrow (Efron and Tibshirani, An Introduction to the Bootstrap, section 13.4).
[[nodiscard]] std::optional<Interval> difference_of_means(std::span<const double> before,
                                                          std::span<const double> after);

/// 0 without values.
[[nodiscard]] double mean(std::span<const double> values);

} // namespace flockstat::reporter
