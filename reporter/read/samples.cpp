#include "reporter/read/samples.h"

#include <algorithm>

namespace flockstat::reporter {

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void Samples::add(std::uint64_t value_ns, std::int64_t at_ns) {
    Samples one{1, value_ns, value_ns, value_ns, value_ns, at_ns, {{value_ns, 1}}};
    merge(one);
}

void Samples::merge(const Samples &other) {
    if (other.count == 0) {
        return;
    }
    if (count == 0) {
        *this = other;
        return;
    }
    count = saturating_add(count, other.count);
    sum_ns = saturating_add(sum_ns, other.sum_ns);
    min_ns = std::min(min_ns, other.min_ns);
    max_ns = std::max(max_ns, other.max_ns);
    if (other.last_at_ns >= last_at_ns) {
        last_at_ns = other.last_at_ns;
        last_ns = other.last_ns;
    }
    std::vector<ValueCount> merged;
    merged.reserve(values.size() + other.values.size());
    auto left = values.begin();
    auto right = other.values.begin();
    while (left != values.end() || right != other.values.end()) {
        const bool from_left =
            right == other.values.end() || (left != values.end() && left->value_ns <= right->value_ns);
        const ValueCount &next = from_left ? *left++ : *right++;
        if (!merged.empty() && merged.back().value_ns == next.value_ns) {
            merged.back().count = saturating_add(merged.back().count, next.count);
        } else {
            merged.push_back(next);
        }
    }
    values = std::move(merged);
}

std::uint64_t Samples::percentile(unsigned hundredths) const {
    std::uint64_t total = 0;
    for (const ValueCount &value : values) {
        total = saturating_add(total, value.count);
    }
    if (total == 0) {
        return max_ns;
    }
    const auto rank =
        static_cast<std::uint64_t>((static_cast<unsigned __int128>(total) * hundredths + 99) / 100);
    std::uint64_t below = 0;
    for (const ValueCount &value : values) {
        below = saturating_add(below, value.count);
        if (below >= rank) {
            return value.value_ns;
        }
    }
    return max_ns;
}

std::uint64_t Samples::mean_ns() const {
    if (count == 0) {
        return 0;
    }
    const std::uint64_t half_more = count - count / 2; // of the rest: from here on the mean is rounded up
    const std::uint64_t mean = sum_ns / count + (sum_ns % count >= half_more ? 1U : 0U);
    return std::clamp(mean, min_ns, max_ns);
}

} // namespace flockstat::reporter
