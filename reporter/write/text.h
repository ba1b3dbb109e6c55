/// The report as text for a terminal.
#pragma once

#include "reporter/analyze/report.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

/// What the locks of a text report are ranked by, greatest first.
enum class SortKey { wait, max_wait, held, max_held, acquisitions, contended, polled, abandoned, attempts };

struct SortKeyName {
    SortKey key;
    std::string_view name;
    std::string_view meaning;
};

/// All keys with the names that the command takes, for its help and its checks.
inline constexpr std::array<SortKeyName, 9> sort_keys{{
    {SortKey::wait, "wait", "time waited (the default)"},
    {SortKey::max_wait, "max-wait", "longest wait"},
    {SortKey::held, "held", "time held"},
    {SortKey::max_held, "max-held", "longest hold"},
    {SortKey::acquisitions, "acquisitions", "number of acquisitions"},
    {SortKey::contended, "contended", "number of contended acquisitions"},
    {SortKey::polled, "polled", "number of polled acquisitions"},
    {SortKey::abandoned, "abandoned", "number of attempts given up"},
    {SortKey::attempts, "attempts", "number of lock calls"},
}};

/// The key of that name; nothing where there is none.
[[nodiscard]] std::optional<SortKey> sort_key(std::string_view name);

struct TextOptions {
    int width = 100;      ///< columns; at least 60 are used
    bool color = false;   ///< ANSI colours
    bool unicode = false; ///< the terminal takes UTF-8: a µ in units, names not escaped
    unsigned top = 5;     ///< locks shown in detail; the lists are cut after a multiple of it
    SortKey sort = SortKey::wait;
};

/// Ends with a newline. Control characters of paths and names are escaped: what a program calls its files
/// does not steer the terminal.
[[nodiscard]] std::string to_text(const Report &report, const TextOptions &options);

} // namespace flockstat::reporter
