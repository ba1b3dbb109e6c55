/// Frames and commands as tools for profiles and tables show them: in full, on one line.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <span>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// What stands for the frames of a site whose stack was not recorded.
inline constexpr char no_stack_name[] = "(no stack)";

/// The function, in full; where it is not known, file name of the module and offset: "libfoo.so.1+0x1f40".
/// One line of valid UTF-8; control characters are escaped.
[[nodiscard]] std::string frame_name(const SourceFrame &frame);

/// The frames' names, outermost first, with ';' between them; a ';' in a name becomes \x3b. Python's with
/// their place, because there is a <module> in every file: "load_cache (train.py:12)".
[[nodiscard]] std::string folded_stack(std::span<const SourceFrame> frames);

/// A name as one frame of a folded stack.
[[nodiscard]] std::string folded_name(std::string_view name);

/// The words of a command with blanks between them; as frame_name for what is in them.
[[nodiscard]] std::string command_line(const std::vector<std::string> &command);

} // namespace flockstat::reporter
