/// The parts of the text report, in their order. Each returns whole lines, or nothing where it has nothing to
/// say.
#pragma once

#include "reporter/write/text_style.h"

#include <string>

namespace flockstat::reporter {

/// How much time was spent waiting, and for what; then when and what ran.
[[nodiscard]] std::string headline_text(const Report &report, const TextStyle &style);

/// The locks as a table, and each of the top ones with its numbers and sites.
[[nodiscard]] std::string locks_text(const Report &report, const TextStyle &style);

/// The numbers and sites of one lock, by path and family; nothing where the report has none such.
[[nodiscard]] std::string lock_text(const Report &report, const std::pair<std::string, Family> &lock,
                                    const TextStyle &style);

/// What is wrong, or may go wrong, with the code that shows it.
[[nodiscard]] std::string findings_text(const Report &report, const TextStyle &style);

/// The three counters of file locks.
[[nodiscard]] std::string counters_text(const Report &report, const TextStyle &style);

/// How many waited at once: for locks, and in the programs' own wait counters.
[[nodiscard]] std::string wait_counters_text(const Report &report, const TextStyle &style);

/// The windows of a run that was watched while it went on, as a table over time.
[[nodiscard]] std::string windows_text(const Report &report, const TextStyle &style);

[[nodiscard]] std::string processes_text(const Report &report, const TextStyle &style);

/// What processes waited and held by host, job, rank or the like; nothing where nobody asked.
[[nodiscard]] std::string groups_text(const Report &report, const TextStyle &style);

/// What the report does not hold, and what its numbers do not mean.
[[nodiscard]] std::string gaps_text(const Report &report, const TextStyle &style);

} // namespace flockstat::reporter
