/// The report's single waits and holds as Trace Event JSON, which Perfetto and chrome://tracing open.
/// "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_sink.h"

#include <string>

namespace flockstat::reporter {

/// One object; always valid UTF-8, an event a line.
///
/// A process for each that waited or held, with its pid; where that is taken (after an exec, or in runs of
/// several machines) a number beyond all pids, and the pid as its label. In it a track (trace_lanes.h) for
/// the waits of each thread and one for its holds, or several where it waits for or holds several locks at
/// once. Slices (X) are named after the lock; their category is `hold`, `wait`, `given_up` or `blocked`.
/// Arrows (s to f) join the hold that was in a wait's way the longest, at its end or, where it went on, at
/// that of the wait, to the end of the wait. Times are microseconds since the run began, exact to half a
/// nanosecond. `otherData` holds the report's `run` and `lost`, as in JSON.
void write_trace_events(const Report &report, const TextSink &sink);

/// Nanoseconds, not negative, in microseconds. A multiple of a nanosecond has no exact binary fraction of
/// microseconds, and readers (Perfetto's among them) multiply by 1000 and cut off what is behind the point:
/// where that would lose a nanosecond this is half of one more.
[[nodiscard]] std::string trace_microseconds(std::int64_t time_ns);

} // namespace flockstat::reporter
