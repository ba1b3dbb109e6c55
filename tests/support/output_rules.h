/// What each output format asks of any text in it: independent of the code that writes them.
#pragma once

#include <string>
#include <string_view>

namespace flockstat::test {

// Each says in a few words what is wrong, and where; nothing where all is well.

/// Text for a terminal: UTF-8 whose only control characters are line feeds, and that has no marks which turn
/// the direction of what follows. `ascii`: nothing else.
[[nodiscard]] std::string fault_in_text(std::string_view text, bool ascii);

/// One JSON value. No control character stands in it as it is, but for line feeds.
[[nodiscard]] std::string fault_in_json(std::string_view text);

/// RFC 4180 with line feeds: rows of equal length, a line each.
[[nodiscard]] std::string fault_in_csv(std::string_view text);

/// Lines of frames, a blank and a number.
[[nodiscard]] std::string fault_in_folded(std::string_view text);

/// OpenMetrics: metadata, samples with quoted labels, and the end.
[[nodiscard]] std::string fault_in_metrics(std::string_view text);

/// An HTML page with two elements of data, which are JSON and hold nothing that is markup.
[[nodiscard]] std::string fault_in_page(std::string_view text);

/// A gzip'd profile.proto: strings are text for a terminal, and references lead somewhere.
[[nodiscard]] std::string fault_in_profile(std::string_view gzip);

} // namespace flockstat::test
