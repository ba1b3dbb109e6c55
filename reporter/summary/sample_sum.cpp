#include "reporter/summary/sample_sum.h"

#include <algorithm>

namespace flockstat::summary {

void ShortSum::merge(const ShortSum &other) {
    if (other.numbers.count == 0) {
        return;
    }
    const bool first = numbers.count == 0;
    numbers.count = saturating_add(numbers.count, other.numbers.count);
    numbers.sum_ns = saturating_add(numbers.sum_ns, other.numbers.sum_ns);
    numbers.min_ns = first ? other.numbers.min_ns : std::min(numbers.min_ns, other.numbers.min_ns);
    numbers.max_ns = std::max(numbers.max_ns, other.numbers.max_ns);
    if (first || other.last_at_ns >= last_at_ns) {
        last_at_ns = other.last_at_ns;
        numbers.value_ns = other.numbers.value_ns;
    }
}

StatNumbers ShortSum::with_mean() const {
    StatNumbers result = numbers;
    if (result.count != 0) {
        const std::uint64_t half_more = result.count - result.count / 2;
        const std::uint64_t mean =
            result.sum_ns / result.count + (result.sum_ns % result.count >= half_more ? 1U : 0U);
        result.mean_ns = mean < result.min_ns ? result.min_ns : std::min(mean, result.max_ns);
    }
    return result;
}

ShortSum one_sample(std::uint64_t value_ns, std::int64_t at_ns) {
    ShortSum one;
    one.numbers.count = 1;
    one.numbers.sum_ns = one.numbers.min_ns = one.numbers.max_ns = one.numbers.value_ns = value_ns;
    one.last_at_ns = at_ns;
    return one;
}

void SampleSum::clear() {
    used_ = 0;
    sum_ = {};
}

void SampleSum::add(const record::Stat &stat) {
    sum_.merge(in_ns(stat, scale_));
    const auto add_ticks = [&](std::uint64_t ticks, std::uint64_t count) {
        add_value(scale_.duration_ns(std::clamp(ticks, stat.min_ticks, stat.max_ticks)), count);
    };
    if (stat.count > record::samples_without_histogram) {
        arena_.for_buckets(stat, [&](unsigned bucket, std::uint64_t count) {
            add_ticks(record::bucket_middle(bucket), count);
        });
        return;
    }
    // Few samples are known exactly: least, greatest, and the rest of the sum.
    if (stat.count >= 1) {
        add_ticks(stat.min_ticks, 1);
    }
    if (stat.count >= 2) {
        add_ticks(stat.max_ticks, 1);
    }
    if (stat.count == 3) {
        add_ticks(stat.sum_ticks - stat.min_ticks - stat.max_ticks, 1);
    }
}

void SampleSum::add_sample(std::uint64_t value_ns, std::int64_t at_ns) {
    sum_.merge(one_sample(value_ns, at_ns));
    add_value(value_ns, 1);
}

void SampleSum::add_value(std::uint64_t value_ns, std::uint64_t count) {
    if (used_ == room_.size()) {
        compact();
        if (used_ > room_.size() / 2) {
            for (ValueCount &value : room_.first(used_)) {
                value.value_ns = record::bucket_middle(record::bucket_of(value.value_ns));
            }
            compact(); // at most bucket_count values are left
        }
    }
    room_[used_++] = {value_ns, count};
}

void SampleSum::compact() {
    const std::span<ValueCount> values = room_.first(used_);
    std::sort(values.begin(), values.end(),
              [](const ValueCount &a, const ValueCount &b) { return a.value_ns < b.value_ns; });
    std::size_t kept = 0;
    for (const ValueCount &value : values) {
        if (kept > 0 && room_[kept - 1].value_ns == value.value_ns) {
            room_[kept - 1].count = saturating_add(room_[kept - 1].count, value.count);
        } else {
            room_[kept++] = value;
        }
    }
    used_ = kept;
}

std::uint64_t SampleSum::percentile(unsigned hundredths, std::uint64_t total) const {
    const auto rank =
        static_cast<std::uint64_t>((static_cast<unsigned __int128>(total) * hundredths + 99) / 100);
    std::uint64_t below = 0;
    for (const ValueCount &value : room_.first(used_)) {
        below = saturating_add(below, value.count);
        if (below >= rank) {
            return value.value_ns;
        }
    }
    return sum_.numbers.max_ns;
}

StatNumbers SampleSum::numbers() {
    compact();
    std::uint64_t total = 0;
    for (const ValueCount &value : room_.first(used_)) {
        total = saturating_add(total, value.count);
    }
    StatNumbers numbers = sum_.with_mean();
    numbers.p50_ns = total == 0 ? numbers.max_ns : percentile(50, total);
    numbers.p90_ns = total == 0 ? numbers.max_ns : percentile(90, total);
    numbers.p99_ns = total == 0 ? numbers.max_ns : percentile(99, total);
    return numbers;
}

} // namespace flockstat::summary
