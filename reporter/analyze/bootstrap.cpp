#include "reporter/analyze/bootstrap.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <vector>

namespace flockstat::reporter {
namespace {

constexpr std::size_t draws = 10'000;
constexpr double confidence = 0.95;

double mean_of_a_draw(std::span<const double> values, std::mt19937_64 *random) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        // Not std::uniform_int_distribution: what it makes of the generator differs between libraries.
        sum += values[(*random)() % values.size()];
    }
    return sum / static_cast<double>(values.size());
}

} // namespace

double mean(std::span<const double> values) {
    return values.empty()
               ? 0
               : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<Interval> difference_of_means(std::span<const double> before, std::span<const double> after) {
    if (before.size() < 2 || after.size() < 2) {
        return std::nullopt;
    }
    std::mt19937_64 random; // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): repeatable on purpose
    std::vector<double> differences(draws);
    for (double &difference : differences) {
        difference = mean_of_a_draw(after, &random) - mean_of_a_draw(before, &random);
    }
    std::ranges::sort(differences);
    const auto cut = static_cast<std::size_t>(static_cast<double>(draws) * (1 - confidence) / 2);
    return Interval{.low = differences[cut], .high = differences[draws - 1 - cut]};
}

} // namespace flockstat::reporter
