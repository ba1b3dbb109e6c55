/// Locks that are taken in orders that can deadlock.
#pragma once

#include "reporter/analyze/sums.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace flockstat::reporter {

/// One thread's part of a cycle: it has one lock and asks for another.
struct OrderStep {
    std::size_t held = 0, wanted = 0;   ///< sites, by their numbers in Sums::sites
    std::optional<std::size_t> process; ///< one that did so, in Sums::processes
    std::uint64_t times = 0;
};

/// Threads that do these steps at the same time wait for one another for ever: each asks for what the next
/// one has, the last for what the first one has.
struct LockCycle {
    std::vector<OrderStep> steps;    ///< at least two
    std::optional<std::size_t> gate; ///< a lock, in Sums::locks, that two of the steps cannot have at once
    std::uint64_t alike = 0;         ///< more cycles of other locks by the same code
};

/// Cycles in the graph of locks that were asked for while others were held, whether or not it came to a
/// deadlock. Two steps meet where the one asks for bytes that the other has, unless both are shared. Each
/// pair of files once, by the places that did so most often, without a gate where there are such; of longer
/// rings the shortest, where no pair in them is one.
[[nodiscard]] std::vector<LockCycle> lock_cycles(const Sums &sums);

} // namespace flockstat::reporter
