/// The whole terminal, in no colours of its own, as long as the object lives: ncurses. One at a time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace flockstat::cli {

/// What a line of the screen looks like.
enum class Look { plain, heading, chosen, faint };

struct ScreenLine {
    std::string text; ///< printable
    Look look = Look::plain;
};

/// A key, as far as the screen tells them apart: a character, or one of these.
enum Key : int {
    key_none = 0, ///< the time is over
    key_resized = -1,
    key_up = -2,
    key_down = -3,
    key_page_up = -4,
    key_page_down = -5,
    key_enter = -6,
    key_back = -7, ///< Escape, Backspace or Left
    key_stop = -8, ///< a signal asks to end: stop_signal() says which
};

/// Takes over stdin and stdout, which are a terminal: the alternate screen, keys unechoed. SIGINT, SIGTERM
/// and SIGHUP become key_stop; SIGTSTP gives the terminal back while the process is stopped. The destructor
/// leaves the terminal as it was, and signals as they were.
class Screen {
public:
    /// Throws Failure where the terminal's type is not known.
    Screen();
    ~Screen();
    Screen(const Screen &) = delete;
    Screen &operator=(const Screen &) = delete;

    [[nodiscard]] int width() const;
    [[nodiscard]] int height() const;

    /// Shows these lines, cut where they do not fit.
    void show(const std::vector<ScreenLine> &lines);

    /// Waits for a key: its character, or one of Key.
    [[nodiscard]] int key(std::chrono::milliseconds longest);

    /// The signal that key_stop tells of.
    [[nodiscard]] static int stop_signal();
};

} // namespace flockstat::cli
