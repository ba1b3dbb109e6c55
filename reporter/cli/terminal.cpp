#include "reporter/cli/terminal.h"

#include "reporter/write/printable.h"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <langinfo.h>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

constexpr int narrowest = 40; ///< tables need that much
constexpr int widest = 200;   ///< longer lines are hard to read whatever the terminal

/// The terminal's width; in a pipe or a file what COLUMNS says (POSIX, XBD 8.3), where it says something.
int width_of(int descriptor) {
    winsize size{};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return std::min<int>(size.ws_col, widest);
    }
    const char *wanted = std::getenv("COLUMNS");
    const std::string_view text = wanted != nullptr ? wanted : "";
    int columns = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (fault == std::errc{} && end == text.data() + text.size() && columns >= narrowest) {
        return std::min(columns, widest);
    }
    return reporter::TextOptions{}.width;
}

} // namespace

void fit_terminal(int descriptor, reporter::TextOptions *options) {
    const bool terminal = isatty(descriptor) != 0;
    const char *no_color = std::getenv("NO_COLOR");
    const char *term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view(term) == "dumb";
    options->color = terminal && !dumb && (no_color == nullptr || *no_color == '\0');
    options->unicode =
        std::setlocale(LC_CTYPE, "") != nullptr && std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    std::setlocale(LC_CTYPE, "C");
    options->width = width_of(descriptor);
}

void say(const std::string &line) {
    const std::string text = "flockstat: " + reporter::printable(line, true) + "\n";
    // Where stderr is closed there is nobody to tell.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

} // namespace flockstat::cli
