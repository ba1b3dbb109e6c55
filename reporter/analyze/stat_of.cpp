#include "reporter/analyze/stat_of.h"

namespace flockstat::reporter {

Stat short_stat(const Samples &samples) {
    Stat stat;
    stat.count = samples.count;
    stat.sum_ns = samples.sum_ns;
    stat.mean_ns = samples.mean_ns();
    stat.min_ns = samples.min_ns;
    stat.max_ns = samples.max_ns;
    stat.value_ns = samples.last_ns;
    return stat;
}

Stat full_stat(const Samples &samples) {
    Stat stat = short_stat(samples);
    stat.p50_ns = samples.percentile(50);
    stat.p90_ns = samples.percentile(90);
    stat.p99_ns = samples.percentile(99);
    return stat;
}

} // namespace flockstat::reporter
