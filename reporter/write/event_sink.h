/// Where the events of a run go: one kind of file, or a plug-in, each.
#pragma once

#include "reporter/monitor/event.h"

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flockstat::reporter {

/// A sink could not be made, or could not write. One line that names the file and the remedy.
class SinkError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Receives events, in one thread. Throws SinkError.
class EventSink {
public:
    virtual ~EventSink() = default;
    EventSink() = default;
    EventSink(const EventSink &) = delete;
    EventSink &operator=(const EventSink &) = delete;

    virtual void handle(const monitor::Event &event) = 0;

    /// All events of a moment (a window) were handed over: what reads the sink may see them now.
    virtual void flush() = 0;
};

/// JSON Lines (https://jsonlines.org): one object an event, with `name`, `time` (RFC 3339, UTC),
/// `timestamp_ns` since 1970 and `data`. An existing file is replaced.
[[nodiscard]] std::unique_ptr<EventSink> make_json_lines(const std::filesystem::path &file);

/// The same in the run's own directory: made anew, for its user alone; a link of that name is not followed.
[[nodiscard]] std::unique_ptr<EventSink> make_window_log(const std::filesystem::path &file);

/// A file of metrics that is OpenMetrics and Prometheus text format at once, replaced atomically at each
/// flush: for the textfile collector of Prometheus's node_exporter, whose files end in .prom. Holds Stats:
/// count and sum, added up over the windows, as a summary; each other aggregation, of the last window, as a
/// gauge; text of their data as labels. Times are seconds.
[[nodiscard]] std::unique_ptr<EventSink> make_open_metrics(const std::filesystem::path &file);

/// A TensorBoard event file in a directory, which is made: the numbers of Stats as scalars, a step a flush.
[[nodiscard]] std::unique_ptr<EventSink> make_tensorboard(const std::filesystem::path &directory);

/// Another program's handler, loaded from a shared object: see reporter/monitor/plugin.h. `file_and_argument`
/// is its path, and behind a comma what it is told.
[[nodiscard]] std::unique_ptr<EventSink> load_plugin(std::string_view file_and_argument);

} // namespace flockstat::reporter
