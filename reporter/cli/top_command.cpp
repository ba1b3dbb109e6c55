#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/live_runs.h"
#include "reporter/cli/live_views.h"
#include "reporter/cli/terminal.h"
#include "reporter/cli/top_view.h"

#include <chrono>
#include <csignal>
#include <unistd.h>

namespace flockstat::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Shows readings until somebody ends it, or no run that was named goes on. Returns the signal that ended it,
/// or 0.
int watch(const TopOptions &options, bool unicode) {
    const std::optional<std::string> &target = options.target;
    TopView view(options.key);
    view.renew(read_live(live_run_files(target), target.has_value()));
    Screen screen;
    auto due = steady_clock::now() + options.interval;
    while (true) {
        screen.show(view.lines(screen.width(), screen.height(), unicode));
        const auto left = std::chrono::ceil<milliseconds>(due - steady_clock::now());
        if (left > milliseconds(0)) {
            const int key = screen.key(left);
            if (!view.press(key)) {
                return key == key_stop ? Screen::stop_signal() : 0;
            }
            continue;
        }
        std::vector<reporter::Run> runs = read_live(live_run_files(target), target.has_value());
        if (target && runs.empty()) {
            return 0;
        }
        view.renew(std::move(runs));
        due = steady_clock::now() + options.interval;
    }
}

} // namespace

int top(const TopOptions &options) {
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
        throw Failure(status_failed_report, "top needs a terminal; flockstat ps writes anywhere");
    }
    reporter::TextOptions text;
    fit_terminal(STDOUT_FILENO, &text);
    try {
        if (const int signal = watch(options, text.unicode); signal != 0) {
            std::raise(signal); // ends us as it would have without a screen
        }
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    if (options.target && read_live(live_run_files(options.target), false).empty()) {
        say("no run of " + *options.target + " goes on any more");
    }
    return 0;
}

} // namespace flockstat::cli
