/// The screen of `flockstat top`: locks of runs that go on, as lines for a terminal of so many columns.
#pragma once

#include "reporter/analyze/live_rates.h"
#include "reporter/write/text_style.h"

#include <string>
#include <vector>

namespace flockstat::reporter {

/// A key that sorts, and what the screen calls it.
struct RateKeyName {
    RateKey key;
    char letter;
    const char *heading; ///< of its column, which is marked
    const char *meaning;
};

inline constexpr RateKeyName rate_keys[] = {
    {RateKey::waited, 'w', "WAITED/s", "time waited"},
    {RateKey::waits, 't', "WAITS/s", "waits"},
    {RateKey::holds, 'o', "HOLDS/s", "holds"},
    {RateKey::waiting, 'n', "WAITING", "waiting now"},
    {RateKey::most_waiting, 'm', "AT ONCE", "most at once"},
    {RateKey::name, 'p', "FILE", "path"},
};

/// One line that says what runs: "2 runs, 14 processes alive, 3 threads waiting".
[[nodiscard]] std::string top_summary(std::span<const Run> runs, std::span<const LiveLocks> locks,
                                      const TextStyle &style);

/// A heading and a line a lock, in the order given. Without line feeds.
[[nodiscard]] std::vector<std::string> top_table(const std::vector<LockRate> &rates, RateKey key,
                                                 const TextStyle &style);

/// What the keys do, in one line.
[[nodiscard]] std::string top_keys(bool details);

} // namespace flockstat::reporter
