/// Where a command's answer goes.
#pragma once

#include "reporter/write/text_sink.h"

#include <functional>
#include <string>

namespace flockstat::cli {

/// Writes all of `text` to stdout. Throws Failure with `status`.
void write_stdout(const std::string &text, int status);

/// What makes a text.
using TextSource = std::function<void(const reporter::TextSink &)>;

/// The same of what `write` passes on, with status_failed_report.
void write_stdout(const TextSource &write);

/// Writes all that `write` passes on to a file, or to the device, pipe or terminal of that name. Throws
/// Failure with status_failed_report.
void write_output(const std::string &file, const TextSource &write);

} // namespace flockstat::cli
