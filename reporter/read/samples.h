/// Samples of one counter, in nanoseconds, as they come out of an arena and are summed up.
#pragma once

#include <cstdint>
#include <vector>

namespace flockstat::reporter {

/// A count of samples that share one value.
struct ValueCount {
    std::uint64_t value_ns;
    std::uint64_t count;
};

/// Summary and distribution of samples. Adding saturates instead of wrapping around, so damaged input gives
/// silly numbers, not absurd ones.
struct Samples {
    std::uint64_t count = 0;
    std::uint64_t sum_ns = 0;
    std::uint64_t min_ns = 0;
    std::uint64_t max_ns = 0;
    std::uint64_t last_ns = 0;
    std::int64_t last_at_ns = 0; ///< when the last sample was taken; nanoseconds since 1970
    std::vector<ValueCount>
        values; ///< sorted by value, each once; a sample's value is within 1/32 of the truth

    /// Adds one sample.
    void add(std::uint64_t value_ns, std::int64_t at_ns);

    /// Adds all samples of another summary.
    void merge(const Samples &other);

    /// The same, but for their distribution.
    void merge_summary(const Samples &other);

    /// The smallest value that at least `hundredths` % of the samples do not exceed (nearest rank). 0 without
    /// samples; the greatest one where the distribution was lost.
    [[nodiscard]] std::uint64_t percentile(unsigned hundredths) const;

    /// Rounded to the nearest nanosecond; 0 without samples.
    [[nodiscard]] std::uint64_t mean_ns() const;
};

/// Adds sorted values to a list that has each once. Few are added to a long list in less than a walk along
/// it.
void merge_values(const std::vector<ValueCount> &added, std::vector<ValueCount> *values);

[[nodiscard]] Samples one_sample(std::uint64_t value_ns, std::int64_t at_ns);

/// a + b, or the greatest value where that does not fit.
[[nodiscard]] std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b);

} // namespace flockstat::reporter
