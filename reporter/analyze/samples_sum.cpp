#include "reporter/analyze/samples_sum.h"

#include <algorithm>

namespace flockstat::reporter {

void SamplesSum::add(const Samples &samples) {
    constexpr std::size_t least_pending = 1024;
    sum_.merge_summary(samples);
    pending_.insert(pending_.end(), samples.values.begin(), samples.values.end());
    if (pending_.size() > std::max(least_pending, sum_.values.size())) {
        settle();
    }
}

const Samples &SamplesSum::sum() {
    settle();
    return sum_;
}

void SamplesSum::settle() {
    std::ranges::sort(pending_, {}, &ValueCount::value_ns);
    merge_values(pending_, &sum_.values);
    pending_.clear();
}

} // namespace flockstat::reporter
