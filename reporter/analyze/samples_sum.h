/// Sums over very many Samples.
#pragma once

#include "reporter/read/samples.h"

#include <vector>

namespace flockstat::reporter {

/// Samples::merge for totals of a whole run, which have as many values as there are samples: those that were
/// added are put in order together, now and then.
class SamplesSum {
public:
    void add(const Samples &samples);

    /// All that were added.
    [[nodiscard]] const Samples &sum();

private:
    void settle();

    Samples sum_;                     ///< without `pending_` in its values
    std::vector<ValueCount> pending_; ///< in any order
};

} // namespace flockstat::reporter
