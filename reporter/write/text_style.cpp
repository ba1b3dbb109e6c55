#include "reporter/write/text_style.h"

namespace flockstat::reporter {
namespace {

/// An argument as a shell takes it.
std::string quoted(const std::string &argument) {
    constexpr std::string_view harmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
    if (!argument.empty() && argument.find_first_not_of(harmless) == std::string::npos) {
        return argument;
    }
    std::string out = "'";
    for (const char letter : argument) {
        out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return out + "'";
}

} // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t hang) {
    std::string out;
    std::string line(indent, ' ');
    bool empty = true;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!empty && display_width(line) + 1 + display_width(word) > width) {
            out += line + "\n";
            line.assign(hang, ' ');
            empty = true;
        }
        line += empty ? "" : " ";
        line += word;
        empty = false;
    }
    return out + line + "\n";
}

std::string command_text(const std::vector<std::string> &command, std::size_t columns,
                         const TextStyle &style) {
    constexpr std::string_view cut = "...";
    std::string text;
    for (const std::string &argument : command) {
        text += text.empty() ? "" : " ";
        text += style.shown(quoted(argument));
        if (text.size() > 4 * columns) {
            break;
        }
    }
    if (display_width(text) <= columns || columns <= cut.size()) {
        return text;
    }
    return std::string(fit(text, columns - cut.size())).append(cut);
}

} // namespace flockstat::reporter
