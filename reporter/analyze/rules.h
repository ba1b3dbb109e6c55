/// Limits for locks, and which of them a run broke.
#pragma once

#include "reporter/analyze/report.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flockstat::reporter {

/// What a rule limits.
enum class Unit { count, nanoseconds, share };

/// "PATTERN:QUANTITY=LIMIT": in no lock (path and family) whose path matches may the quantity be greater.
struct Rule {
    std::string text;    ///< as it was given
    std::string pattern; ///< glob (man 3 fnmatch; '*' matches '/' too); empty: all locks
    std::string quantity;
    Unit unit = Unit::count;
    std::uint64_t limit = 0; ///< a count, or nanoseconds
    double share = 0;        ///< of `share`: 1 is everything
};

/// How rules are written, for help and messages.
inline constexpr char rule_form[] =
    "[PATTERN:]QUANTITY=LIMIT, like enter.p99=10ms, contended=5%, abandoned=0 "
    "or '/srv/*.db:wait.max=1s'";

/// Reads a rule. Quantities are
/// - the Stats enter, region, exit, wait and overshoot with .count, or with .sum, .mean, .min, .max, .p50,
/// .p90
///   or .p99, whose limit is a time (ns, us, ms, s, m);
/// - attempts, granted, refused, interrupted, deadlocked, failed, tests, unlocks, acquisitions, contended,
///   polled and abandoned, whose limit is a count; or, with %, a share: of the acquisitions for contended and
///   polled, of the attempts for granted, refused, interrupted, deadlocked and failed.
/// The string says what is wrong with it.
[[nodiscard]] std::variant<Rule, std::string> parse_rule(std::string_view text);

/// A rule that one lock broke.
struct BrokenRule {
    std::size_t rule = 0;    ///< of those given
    std::size_t group = 0;   ///< in Report::groups
    std::uint64_t value = 0; ///< a count, or nanoseconds
    double share = 0;        ///< of Unit::share
};

/// All that is broken: rule by rule, locks in the report's order. A lock without samples of a Stat breaks no
/// rule about it, and one without acquisitions (attempts) none about a share of them.
[[nodiscard]] std::vector<BrokenRule> broken_rules(const Report &report, const std::vector<Rule> &rules);

/// Does any lock's path match the rule's pattern?
[[nodiscard]] bool concerns_a_lock(const Rule &rule, const Report &report);

} // namespace flockstat::reporter
