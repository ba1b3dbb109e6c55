/// What the parts of the text report have in common.
#pragma once

#include "reporter/write/printable.h"
#include "reporter/write/text.h"
#include "reporter/write/units.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace flockstat::reporter {

class TextStyle {
public:
    explicit TextStyle(const TextOptions &options) : options_(options) {}

    /// Columns of a line.
    [[nodiscard]] std::size_t width() const { return static_cast<std::size_t>(std::max(options_.width, 60)); }
    [[nodiscard]] unsigned top() const { return std::max(options_.top, 1U); }
    [[nodiscard]] SortKey sort() const { return options_.sort; }
    [[nodiscard]] bool unicode() const { return options_.unicode; }

    [[nodiscard]] std::string strong(std::string_view text) const { return coloured("1", text); }
    [[nodiscard]] std::string faint(std::string_view text) const { return coloured("2", text); }
    [[nodiscard]] std::string alarming(std::string_view text) const { return coloured("1;31", text); }

    /// Bytes that a program chose, as they may be shown.
    [[nodiscard]] std::string shown(std::string_view bytes) const {
        return printable(bytes, options_.unicode);
    }

    [[nodiscard]] std::string time(std::uint64_t ns) const { return human_time(ns, options_.unicode); }

private:
    [[nodiscard]] std::string coloured(std::string_view code, std::string_view text) const {
        return options_.color ? std::string("\033[").append(code).append("m").append(text).append("\033[0m")
                              : std::string(text);
    }

    TextOptions options_;
};

/// Breaks text at blanks into lines of at most `width` columns, where its words allow; the first line stands
/// behind `indent` blanks, the others behind `hang`. Each ends with a newline.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t indent,
                                  std::size_t hang);

/// A command as one would type it, cut to so many columns.
[[nodiscard]] std::string command_text(const std::vector<std::string> &command, std::size_t columns,
                                       const TextStyle &style);

} // namespace flockstat::reporter
