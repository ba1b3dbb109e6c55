/// Where a command's answer goes.
#pragma once

#include <string>

namespace flockstat::cli {

/// Writes all of `text` to stdout. Throws Failure with `status`.
void write_stdout(const std::string &text, int status);

/// Writes all of `text` to a file, or to the device, pipe or terminal of that name. Throws Failure with
/// status_failed_report.
void write_output(const std::string &file, const std::string &text);

} // namespace flockstat::cli
