#include "reporter/cli/window_watch.h"

#include "reporter/cli/failure.h"
#include "reporter/cli/terminal.h"
#include "reporter/read/window_log.h"

#include <array>
#include <charconv>
#include <utility>

namespace flockstat::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace

std::optional<milliseconds> parse_window(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t ms;
    };
    constexpr std::array<Unit, 4> units = {{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
    constexpr std::int64_t least_ms = 100;
    constexpr std::int64_t greatest_ms = 24 * 3'600'000;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const Unit &known : units) {
        if (error == std::errc() && unit == known.name && number > 0 && number <= greatest_ms / known.ms &&
            number * known.ms >= least_ms) {
            return milliseconds(number * known.ms);
        }
    }
    return std::nullopt;
}

WindowWatch::WindowWatch(std::filesystem::path run_file, milliseconds window,
                         const std::vector<std::string> &handlers)
    : run_file_(std::move(run_file)), window_(window), due_(steady_clock::now() + window),
      events_(window, now_ns()) {
    for (const std::string &handler : handlers) {
        outputs_.add(handler);
    }
    outputs_.add_window_log(reporter::window_file(run_file_));
}

milliseconds WindowWatch::tick() {
    if (steady_clock::now() >= due_) {
        try {
            close(reporter::read_run(run_file_), false);
        } catch (const reporter::ReadError &error) {
            if (!std::exchange(failed_, true)) {
                say(error.what());
            }
        }
        while (due_ <= steady_clock::now()) { // where we were held up, the window just closed was a long one
            due_ += window_;
        }
    }
    return std::chrono::ceil<milliseconds>(due_ - steady_clock::now());
}

void WindowWatch::finish(const reporter::Run &run) { close(run, true); }

void WindowWatch::abandon() {
    std::error_code ignored;
    std::filesystem::remove(reporter::window_file(run_file_), ignored);
}

void WindowWatch::close(const reporter::Run &run, bool last) {
    events_.close_window(run, last);
    outputs_.flush();
}

std::unique_ptr<WindowWatch> watch_windows(const RunOptions &options, const record::Settings &settings,
                                           const std::filesystem::path &run_file) {
    std::vector<std::string> handlers = options.handlers;
    for (const std::string &handler : split_handlers(settings.handlers)) {
        if (!is_handler_form(handler)) {
            throw Failure(status_failed_run, "FLOCKSTAT_HANDLERS: '" + handler + "' is no handler: write " +
                                                 std::string(handler_forms));
        }
        handlers.push_back(handler);
    }
    std::optional<std::chrono::milliseconds> window = options.window;
    if (!window && !settings.window.empty()) {
        window = parse_window(settings.window);
        if (!window) {
            throw Failure(status_failed_run, "FLOCKSTAT_WINDOW=" + std::string(settings.window) +
                                                 ": must be " + std::string(window_form));
        }
    }
    if (!window && handlers.empty()) {
        return nullptr;
    }
    return std::make_unique<WindowWatch>(run_file, window.value_or(default_window), handlers);
}

} // namespace flockstat::cli
