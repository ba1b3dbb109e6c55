/// Closing the windows of a run while it goes on.
#pragma once

#include "reporter/analyze/live_events.h"
#include "reporter/cli/event_outputs.h"
#include "reporter/cli/options.h"
#include "reporter/record/settings.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::cli {

inline constexpr std::chrono::milliseconds default_window{10'000};

/// "10s", "500ms", "2m", "1h", 100 ms to a day; nothing where it is none of these.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_window(std::string_view text);
inline constexpr std::string_view window_form = "a number with ms, s, m or h, from 100ms to 24h";

/// Reads the live arena at the end of every window, and hands what came of it to the handlers.
class WindowWatch {
public:
    /// Makes the handlers, and the log of the windows beside `run_file`, the run's arena. Throws Failure.
    WindowWatch(std::filesystem::path run_file, std::chrono::milliseconds window,
                const std::vector<std::string> &handlers);

    /// Closes a window if it is time to. Returns how long to wait before it is called again.
    [[nodiscard]] std::chrono::milliseconds tick();

    /// Closes the last window, at the run's end.
    void finish(const reporter::Run &run);

    /// Removes the log of the windows: the run leaves nothing.
    void abandon();

private:
    void close(const reporter::Run &run, bool last);

    std::filesystem::path run_file_;
    std::chrono::milliseconds window_;
    std::chrono::steady_clock::time_point due_;
    EventOutputs outputs_;
    reporter::LiveEvents events_;
    bool failed_ = false;
};

/// Watches the windows of the run whose arena is `run_file`, where an option or a variable asks for that;
/// null where none does. Throws Failure.
[[nodiscard]] std::unique_ptr<WindowWatch> watch_windows(const RunOptions &options,
                                                         const record::Settings &settings,
                                                         const std::filesystem::path &run_file);

} // namespace flockstat::cli
