/// Numbers as a person reads them.
#pragma once

#include <cstdint>
#include <string>

namespace flockstat::reporter {

/// A duration with three digits: "0 ns", "312 us", "1.25 ms", "65.2 s"; from two minutes on "2 m 05 s", from
/// two hours on "2 h 05 m". `unicode`: µs.
[[nodiscard]] std::string human_time(std::uint64_t ns, bool unicode);

/// "1,234,567".
[[nodiscard]] std::string human_count(std::uint64_t count);

/// part / whole: "97 %", "0.4 %", "<0.1 %"; "-" where the whole is 0.
[[nodiscard]] std::string human_share(std::uint64_t part, std::uint64_t whole);

/// "1 lock", "1,234 locks".
[[nodiscard]] std::string counted(std::uint64_t count, const std::string &singular,
                                  const std::string &plural);

} // namespace flockstat::reporter
