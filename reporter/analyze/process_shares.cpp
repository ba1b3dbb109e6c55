#include "reporter/analyze/process_shares.h"

#include "reporter/read/samples.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

void add_to(ProcessShare &sum, const ProcessShare &share) {
    sum.waits += share.waits;
    sum.wait_ns = saturating_add(sum.wait_ns, share.wait_ns);
    sum.holds += share.holds;
    sum.hold_ns = saturating_add(sum.hold_ns, share.hold_ns);
}

} // namespace

void ProcessShares::add(const ProcessShare &share) {
    if (!shares_.empty() && shares_.back().process == share.process) {
        add_to(shares_.back(), share);
        return;
    }
    constexpr std::size_t least_unsettled = 64;
    if (shares_.size() - settled_ > settled_ + least_unsettled) {
        settle();
    }
    shares_.push_back(share);
}

void ProcessShares::add(const ProcessShares &other) {
    for (const ProcessShare &share : other.shares_) {
        add(share);
    }
}

const std::vector<ProcessShare> &ProcessShares::all() {
    settle();
    return shares_;
}

void ProcessShares::settle() {
    const auto middle = shares_.begin() + static_cast<std::ptrdiff_t>(settled_);
    std::ranges::sort(middle, shares_.end(), {}, &ProcessShare::process);
    std::ranges::inplace_merge(shares_, middle, {}, &ProcessShare::process);
    std::size_t kept = 0;
    for (const ProcessShare &share : shares_) {
        if (kept != 0 && shares_[kept - 1].process == share.process) {
            add_to(shares_[kept - 1], share);
        } else {
            shares_[kept++] = share;
        }
    }
    shares_.resize(kept);
    settled_ = kept;
}

} // namespace flockstat::reporter
