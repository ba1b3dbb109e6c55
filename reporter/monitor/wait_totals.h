/// What a wait counter comes to: how many waited, for how long, and how many at once.
#pragma once

#include "reporter/monitor/wait_counter.h"

#include <cstdint>
#include <map>
#include <string>

namespace flockstat::monitor {

/// How many wait at once. Times, in nanoseconds of any one clock, never go back. Not synchronised.
class Concurrency {
public:
    void start(std::int64_t now_ns);
    void stop(std::int64_t now_ns); ///< one of those that wait; nothing where nobody does

    [[nodiscard]] std::int64_t active() const { return active_; }
    [[nodiscard]] std::int64_t max_active() const { return max_active_; }

    /// How long somebody waited, whoever it was; a wait that goes on counts up to now_ns.
    [[nodiscard]] std::int64_t busy_ns(std::int64_t now_ns) const;

private:
    std::int64_t active_ = 0, max_active_ = 0;
    std::int64_t busy_ns_ = 0;
    std::int64_t busy_since_ns_ = 0;
};

struct WaitTotals {
    std::int64_t count = 0;  ///< waits that ended
    std::int64_t sum_ns = 0; ///< of them
    std::int64_t active = 0; ///< waiting now
    std::int64_t max_active = 0;
    std::int64_t busy_ns = 0; ///< somebody was waiting

    bool operator==(const WaitTotals &other) const = default;
};

/// Registers a factory of backends that keep the totals of every key that is first used after this.
void keep_wait_totals();

/// The totals of now, of the keys that keep_wait_totals() made backends for.
[[nodiscard]] std::map<std::string, WaitTotals> wait_totals();

} // namespace flockstat::monitor
