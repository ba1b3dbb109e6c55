/// How the command gives up.
#pragma once

#include <stdexcept>
#include <string>

namespace flockstat::cli {

/// `flockstat run` or `check` could not do its own part (the number that env, nice and timeout use).
inline constexpr int status_failed_run = 125;
inline constexpr int status_cannot_run = 126; ///< COMMAND is there and cannot be run
inline constexpr int status_not_found = 127;  ///< COMMAND is not there
inline constexpr int status_signal_base = 128;
inline constexpr int status_failed_report = 1;
inline constexpr int status_rules_broken = 1;
inline constexpr int status_usage = 2; ///< wrong use of anything but `run`

/// Ends the command: `what` is one line for stderr that names the thing and the remedy, without prefix and
/// line feed.
class Failure : public std::runtime_error {
public:
    Failure(int status, const std::string &what) : std::runtime_error(what), status_(status) {}
    [[nodiscard]] int status() const { return status_; }

private:
    int status_;
};

} // namespace flockstat::cli
