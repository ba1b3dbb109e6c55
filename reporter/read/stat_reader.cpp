#include "reporter/read/stat_reader.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

std::uint64_t saturating_multiply(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

} // namespace

std::uint64_t StatReader::duration_ns(std::uint64_t number, Unit unit) const {
    return unit == Unit::ticks ? clock_.duration_ns(number) : saturating_multiply(number, 1000);
}

template<typename Stored>
bool StatReader::read_summary(const Stored &stat, Unit unit, Samples *out) const {
    if (stat.count == 0) {
        *out = {};
        return true;
    }
    if (stat.count > plausible_count || stat.min_ticks > stat.max_ticks || stat.sum_ticks < stat.min_ticks) {
        return false;
    }
    out->count = stat.count;
    out->min_ns = duration_ns(stat.min_ticks, unit);
    out->max_ns = duration_ns(stat.max_ticks, unit);
    // Each number is rounded by itself; together they must still be possible.
    out->sum_ns = std::clamp(duration_ns(stat.sum_ticks, unit), saturating_multiply(stat.count, out->min_ns),
                             saturating_multiply(stat.count, out->max_ns));
    out->last_ns = std::clamp(duration_ns(stat.last_ticks, unit), out->min_ns, out->max_ns);
    out->last_at_ns = unit == Unit::ticks ? clock_.moment_ns(stat.last_at_ticks)
                                          : clock_.moment_of_monotonic_us(stat.last_at_ticks);
    out->values.clear();
    return true;
}

bool StatReader::read(const record::ShortStat &stat, Samples *out) {
    return read_summary(stat, Unit::ticks, out);
}

bool StatReader::read(const record::Stat &stat, Samples *out) { return read_in(Unit::ticks, stat, out); }

bool StatReader::read_microseconds(const record::Stat &stat, Samples *out) {
    return read_in(Unit::microseconds, stat, out);
}

bool StatReader::read_in(Unit unit, const record::Stat &stat, Samples *out) {
    if (!read_summary(stat, unit, out)) {
        return false;
    }
    if (stat.count > record::samples_without_histogram) {
        read_distribution(stat, unit, out);
        return true;
    }
    // Few samples are known exactly, whether or not a histogram was begun.
    const auto add = [&](std::uint64_t ticks) {
        out->values.push_back({duration_ns(std::clamp(ticks, stat.min_ticks, stat.max_ticks), unit), 1});
    };
    if (stat.count >= 1) {
        add(stat.min_ticks);
    }
    if (stat.count == 3) {
        add(stat.sum_ticks - stat.min_ticks - stat.max_ticks);
    }
    if (stat.count >= 2) {
        add(stat.max_ticks);
    }
    return true;
}

void StatReader::read_distribution(const record::Stat &stat, Unit unit, Samples *out) {
    // Buckets come in ascending order, octave by octave, but nothing says so.
    std::vector<ValueCount> found;
    arena_.for_buckets(stat, [&](unsigned bucket, std::uint64_t count) {
        if (buckets_left_ > 0) {
            --buckets_left_;
            const std::uint64_t ticks =
                std::clamp(record::bucket_middle(bucket), stat.min_ticks, stat.max_ticks);
            found.push_back({duration_ns(ticks, unit), count});
        }
    });
    std::ranges::sort(found, {}, &ValueCount::value_ns);
    for (const ValueCount &value : found) {
        if (!out->values.empty() && out->values.back().value_ns == value.value_ns) {
            out->values.back().count += value.count;
        } else {
            out->values.push_back(value);
        }
    }
}

} // namespace flockstat::reporter
