#include "reporter/write/text.h"

#include "reporter/write/text_parts.h"

namespace flockstat::reporter {

std::optional<SortKey> sort_key(std::string_view name) {
    for (const SortKeyName &known : sort_keys) {
        if (known.name == name) {
            return known.key;
        }
    }
    return std::nullopt;
}

std::string to_text(const Report &report, const TextOptions &options) {
    const TextStyle style(options);
    std::string text;
    for (const auto part : {headline_text, locks_text, findings_text, counters_text, wait_counters_text,
                            windows_text, groups_text, processes_text, gaps_text}) {
        const std::string lines = part(report, style);
        text += text.empty() || lines.empty() ? "" : "\n";
        text += lines;
    }
    return text;
}

} // namespace flockstat::reporter
