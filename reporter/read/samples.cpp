#include "reporter/read/samples.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

void insert_value(const ValueCount &added, std::vector<ValueCount> *values) {
    const auto place = std::ranges::lower_bound(*values, added.value_ns, {}, &ValueCount::value_ns);
    if (place != values->end() && place->value_ns == added.value_ns) {
        place->count = saturating_add(place->count, added.count);
    } else {
        values->insert(place, added);
    }
}

} // namespace

void merge_values(const std::vector<ValueCount> &added, std::vector<ValueCount> *values) {
    constexpr std::size_t few = 4;
    if (added.size() <= few) {
        for (const ValueCount &value : added) {
            insert_value(value, values);
        }
        return;
    }
    std::vector<ValueCount> merged;
    merged.reserve(values->size() + added.size());
    auto left = values->begin();
    auto right = added.begin();
    while (left != values->end() || right != added.end()) {
        const bool from_left =
            right == added.end() || (left != values->end() && left->value_ns <= right->value_ns);
        const ValueCount &next = from_left ? *left++ : *right++;
        if (!merged.empty() && merged.back().value_ns == next.value_ns) {
            merged.back().count = saturating_add(merged.back().count, next.count);
        } else {
            merged.push_back(next);
        }
    }
    *values = std::move(merged);
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

Samples one_sample(std::uint64_t value_ns, std::int64_t at_ns) {
    return {1, value_ns, value_ns, value_ns, value_ns, at_ns, {{value_ns, 1}}};
}

void Samples::add(std::uint64_t value_ns, std::int64_t at_ns) { merge(one_sample(value_ns, at_ns)); }

void Samples::merge(const Samples &other) {
    if (count == 0) {
        *this = other;
        return;
    }
    merge_summary(other);
    merge_values(other.values, &values);
}

void Samples::merge_summary(const Samples &other) {
    if (other.count == 0) {
        return;
    }
    const bool first = count == 0;
    count = saturating_add(count, other.count);
    sum_ns = saturating_add(sum_ns, other.sum_ns);
    min_ns = first ? other.min_ns : std::min(min_ns, other.min_ns);
    max_ns = std::max(max_ns, other.max_ns);
    if (first || other.last_at_ns >= last_at_ns) {
        last_at_ns = other.last_at_ns;
        last_ns = other.last_ns;
    }
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
