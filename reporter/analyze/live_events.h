/// What a run's arena holds, read again and again while it lives -> samples of Stats, and Events.
#pragma once

#include "reporter/monitor/stat.h"
#include "reporter/read/run.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_set>

namespace flockstat::reporter {

/// Sums of the run go up; what they went up by since the last window is the samples of this one. So all
/// windows together hold what the report does. Logs (monitor/event.h), in the thread that calls it:
///
///  - flockstat.Acquired, .Abandoned, .Failed, .Held: each event of the event log, once.
///  - flockstat.Stat: for each lock (path and family) and each counter that had samples in the window, count,
///  sum
///    and mean; of filelock.wait the greatest too. Names of the counters are those of the report; a program's
///    own wait counters are summed up over the processes.
///  - flockstat.Window: the window is complete.
class LiveEvents {
public:
    /// Windows of this length, which must be positive; the first begins at `started_at_ns`, since 1970.
    LiveEvents(std::chrono::milliseconds window, std::int64_t started_at_ns);
    LiveEvents(const LiveEvents &) = delete;
    LiveEvents &operator=(const LiveEvents &) = delete;
    ~LiveEvents();

    /// Ends a window at the moment that `run` was read; `run` is a later reading of the same arena each time.
    /// `last`: the run is over, what is not in the arena does not come any more.
    void close_window(const Run &run, bool last);

private:
    struct Counter;
    using CounterKey = std::tuple<std::string, std::string, std::string>; ///< counter, path, family

    [[nodiscard]] Counter &counter(const std::string &name, const std::string &path,
                                   const std::string &family);
    void add_locks(const Run &run, bool last);
    void add_wait_counters(const Run &run);
    void add_events(const Run &run);
    void log_window(const Run &run);

    std::chrono::milliseconds window_;
    std::int64_t start_at_ns_;
    std::int64_t number_ = 0; ///< of the window that is open
    std::map<CounterKey, std::unique_ptr<Counter>> counters_;
    std::unordered_set<std::uint64_t> seen_; ///< places of events that were taken in
};

} // namespace flockstat::reporter
