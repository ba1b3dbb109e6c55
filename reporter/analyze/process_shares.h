/// What processes had of a site, or of a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flockstat::reporter {

/// What the event log has of one process.
struct ProcessShare {
    std::size_t process = 0; ///< in Sums::processes
    std::uint64_t waits = 0, wait_ns = 0, holds = 0, hold_ns = 0;
};

/// Shares of very many processes, most of which are added one after the other.
class ProcessShares {
public:
    void add(const ProcessShare &share);
    void add(const ProcessShares &other);

    /// Each process once, in their order.
    [[nodiscard]] const std::vector<ProcessShare> &all();

private:
    void settle();

    std::vector<ProcessShare> shares_;
    std::size_t settled_ = 0; ///< so many are in order, each once
};

} // namespace flockstat::reporter
