/// Bytes that programs chose -> text that may be shown.
#pragma once

#include <string>
#include <string_view>

namespace flockstat::reporter {

/// Valid UTF-8 with the same content: a byte that is part of no valid sequence becomes the four characters
/// \xHH.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

/// The same, for a terminal: control characters become \xHH too (newline \n, tab \t), and without `unicode`
/// all that is not ASCII.
[[nodiscard]] std::string printable(std::string_view bytes, bool unicode);

/// Columns that a terminal needs for valid UTF-8 (wide East Asian characters take two).
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The first part of valid UTF-8 that fits into so many columns.
[[nodiscard]] std::string_view fit(std::string_view text, std::size_t columns);

} // namespace flockstat::reporter
