#include "reporter/cli/screen.h"

#include "reporter/cli/failure.h"
#include "reporter/write/printable.h"

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#define NCURSES_NOMACROS
#include <curses.h>

namespace flockstat::cli {
namespace {

constexpr std::array<int, 3> stopping{SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t stopped_by = 0;
std::array<struct sigaction, stopping.size()> actions_before;
SCREEN *screen = nullptr;

void note_stop(int signal) { stopped_by = signal; }

/// Before ncurses sets its own, which end the process.
void catch_signals() {
    struct sigaction action {};
    action.sa_handler = note_stop;
    for (std::size_t i = 0; i < stopping.size(); ++i) {
        sigaction(stopping[i], &action, &actions_before[i]);
    }
}

void give_signals_back() {
    for (std::size_t i = 0; i < stopping.size(); ++i) {
        sigaction(stopping[i], &actions_before[i], nullptr);
    }
}

attr_t attributes_of(Look look) {
    switch (look) {
    case Look::plain: break;
    case Look::heading: return A_BOLD;
    case Look::chosen: return A_REVERSE;
    case Look::faint: return A_DIM;
    }
    return A_NORMAL;
}

int key_of(int code) {
    switch (code) {
    case ERR: return key_none;
    case KEY_RESIZE: return key_resized;
    case KEY_UP: return key_up;
    case KEY_DOWN: return key_down;
    case KEY_PPAGE: return key_page_up;
    case KEY_NPAGE: return key_page_down;
    case KEY_ENTER:
    case '\n':
    case '\r': return key_enter;
    case KEY_BACKSPACE:
    case KEY_LEFT:
    case '\b':
    case 0x7f:
    case 0x1b: return key_back;
    default: return code > 0 && code < 0x80 ? code : key_none;
    }
}

} // namespace

Screen::Screen() {
    constexpr int escape_ms = 50; // until Escape alone is known from the start of another key
    stopped_by = 0;
    std::setlocale(LC_CTYPE, "");
    catch_signals();
    screen = newterm(nullptr, stdout, stdin);
    if (screen == nullptr) {
        give_signals_back();
        const char *term = std::getenv("TERM");
        throw Failure(status_failed_report, std::string("the terminal's type, TERM=") +
                                                (term != nullptr ? term : "") +
                                                ", is not known; flockstat ps needs none");
    }
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    set_escdelay(escape_ms);
    curs_set(0);
}

Screen::~Screen() {
    endwin();
    delscreen(screen);
    screen = nullptr;
    give_signals_back();
    std::setlocale(LC_CTYPE, "C");
}

int Screen::width() const { return getmaxx(stdscr); }
int Screen::height() const { return getmaxy(stdscr); }

void Screen::show(const std::vector<ScreenLine> &lines) {
    werase(stdscr);
    const auto columns = static_cast<std::size_t>(width());
    for (std::size_t i = 0; i < lines.size() && static_cast<int>(i) < height(); ++i) {
        std::string text(reporter::fit(lines[i].text, columns));
        if (lines[i].look == Look::chosen) {
            text.append(columns - std::min(columns, reporter::display_width(text)), ' ');
        }
        wattrset(stdscr, static_cast<int>(attributes_of(lines[i].look)));
        mvwaddstr(stdscr, static_cast<int>(i), 0, text.c_str());
    }
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
}

int Screen::key(std::chrono::milliseconds longest) {
    if (stopped_by != 0) {
        return key_stop;
    }
    wtimeout(stdscr, static_cast<int>(longest.count()));
    const int key = key_of(wgetch(stdscr));
    return stopped_by != 0 ? static_cast<int>(key_stop) : key;
}

int Screen::stop_signal() { return stopped_by; }

} // namespace flockstat::cli
