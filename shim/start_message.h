/// The few lines that flockstat writes to a program's stderr: what the user must know, one line each.
#pragma once

#include <string_view>

namespace flockstat::shim {

/// Writes "flockstat: TEXT" and a line feed to stderr, in one write. A stderr that cannot take it is left
/// alone, without SIGPIPE or SIGXFSZ. Async-signal-safe; errno untouched.
void say(std::string_view text);

/// Says that nothing is recorded because `what` gave the error `error`, and what to do about it.
void say_not_recording(std::string_view what, int error);

/// Says that the run's summary could not be written to `directory`, and how to get it.
void say_no_summary(std::string_view directory, int error);

/// The same where the recording is gone with it.
void say_lost_summary(std::string_view directory, int error);

} // namespace flockstat::shim
