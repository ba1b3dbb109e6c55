/// The handlers that the user chose for a run's events.
#pragma once

#include "reporter/monitor/event.h"
#include "reporter/write/event_sink.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::cli {

/// What --handler takes, for its help and its checks.
inline constexpr std::string_view handler_forms =
    "json=FILE, openmetrics=FILE, tensorboard=DIR or plugin=FILE[,ARGUMENT]";

/// Is it one of the forms above? Nothing is opened.
[[nodiscard]] bool is_handler_form(std::string_view text);

/// The parts of FLOCKSTAT_HANDLERS, which semicolons divide.
[[nodiscard]] std::vector<std::string> split_handlers(std::string_view text);

/// Handlers that receive every event that is logged (monitor/event.h) while this lives. One that fails says
/// so once on stderr, and the others go on.
class EventOutputs {
public:
    EventOutputs();
    EventOutputs(const EventOutputs &) = delete;
    EventOutputs &operator=(const EventOutputs &) = delete;
    ~EventOutputs();

    /// Adds a handler of one of the forms above. Throws Failure (125) where it cannot be made.
    void add(const std::string &form);

    /// Adds the file that `report` reads the run's windows from: it gets Stats and Windows only.
    void add_window_log(const std::string &file);

    /// A window is complete.
    void flush();

private:
    struct Output;

    void add(std::unique_ptr<reporter::EventSink> sink, bool windows_only);

    std::vector<std::unique_ptr<Output>> outputs_;
};

} // namespace flockstat::cli
