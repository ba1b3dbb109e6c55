/// analyze() of runs that come one by one.
#pragma once

#include "reporter/analyze/merged_stacks.h"
#include "reporter/analyze/report.h"
#include "reporter/analyze/sums.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace flockstat::reporter {

/// Takes in one run after the other, none of which need live on, and sums them up as one: memory is needed
/// for what they come to, and for one run.
class Analysis {
public:
    explicit Analysis(Timeline timeline) : sums_(stacks_, timeline) {}

    void add(const Run &run);

    /// Takes note of a part of a run whose recording lies on another host.
    void add_elsewhere(const std::string &host);

    /// All that was added, ranked. `symbolizer` as for analyze(). Call it once, at the end.
    [[nodiscard]] Report report(Symbolizer *symbolizer);

private:
    MergedStacks stacks_;
    Sums sums_;
    Report report_; ///< as far as it can be written before all runs are there
    std::size_t runs_ = 0;
    /// From when to when each run went on, by its id: it has an arena on each of its hosts.
    std::map<std::uint64_t, std::pair<std::int64_t, std::int64_t>> spans_;
};

} // namespace flockstat::reporter
