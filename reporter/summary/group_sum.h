/// The numbers of a lock, a site, or the whole run, from the items that belong to it.
#pragma once

#include "reporter/summary/arena_index.h"

#include <array>

namespace flockstat::summary {

struct ErrorTally {
    std::uint32_t error; ///< errno; 0: all that there was no room for
    std::uint64_t count;
};

/// Counts of errors by errno; what does not fit is counted as 0.
class ErrorTallies {
public:
    void add(std::uint32_t error, std::uint64_t count);
    [[nodiscard]] std::span<const ErrorTally> tallies() const { return {tallies_.data(), used_}; }
    [[nodiscard]] std::span<ErrorTally> tallies() { return {tallies_.data(), used_}; }

private:
    std::array<ErrorTally, 48> tallies_{};
    std::size_t used_ = 0;
};

struct GroupCounts {
    std::uint64_t granted = 0, refused = 0, interrupted = 0, deadlocked = 0, failed = 0;
    std::uint64_t tests = 0, unlocks = 0, contended = 0, polled = 0, abandoned = 0, abandoned_ns = 0;
    std::uint64_t held_open_ns = 0;
    std::array<std::uint64_t, record::release_count> released{};
    ErrorTallies errors;

    [[nodiscard]] std::uint64_t attempts() const {
        return granted + refused + interrupted + deadlocked + failed;
    }
};

/// Which samples are summed up. Those with a mode take what was asked for in that mode only.
enum class Counter : std::uint8_t {
    enter,
    enter_shared,
    enter_exclusive,
    region,
    region_shared,
    region_exclusive,
    exit,
    wait,
    overshoot,
};

/// `family`: only leaves of that family, or null for all.
[[nodiscard]] GroupCounts count_group(const ArenaIndex &index, std::span<const Item> items,
                                      const record::Family *family = nullptr);

/// Sums up one counter; `sum` is cleared first.
[[nodiscard]] StatNumbers sum_counter(const ArenaIndex &index, std::span<const Item> items, Counter counter,
                                      SampleSum &sum);

} // namespace flockstat::summary
