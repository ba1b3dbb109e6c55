/// Functions of Python programs as a line of text names them.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <string>

namespace flockstat::reporter {

/// "train.py:12", "filelock/_api.py:331": files of packages with the package, others by their name alone.
[[nodiscard]] std::string python_place(const SourceFrame &frame);

/// "train.py:12 load_cache", "filelock/_api.py:331 acquire": files of packages with the package, others by
/// their name alone; functions without what they are defined in.
[[nodiscard]] std::string python_frame_name(const SourceFrame &frame);

/// How threading calls the function of a thread: it is on each thread's stack.
[[nodiscard]] bool starts_python_threads(const SourceFrame &frame);

} // namespace flockstat::reporter
