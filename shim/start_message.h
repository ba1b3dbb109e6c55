/// The few lines that flockstat writes to a program's stderr: what the user must know, one line each.
#pragma once

#include <string_view>

namespace flockstat::shim {

/// Writes "flockstat: TEXT" and a line feed to stderr, in one write. Async-signal-safe; errno untouched.
void say(std::string_view text);

/// Says that nothing is recorded because `what` gave the error `error`, and what to do about it.
void say_not_recording(std::string_view what, int error);

} // namespace flockstat::shim
