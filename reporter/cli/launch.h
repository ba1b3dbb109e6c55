/// Starting COMMAND under the preload, and waiting for it.
#pragma once

#include "reporter/record/settings.h"

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace flockstat::cli {

/// libflockstat.so beside this executable, or in ../lib/flockstat/ of it. Throws Failure where it is in
/// neither place, or where its path cannot stand in LD_PRELOAD.
[[nodiscard]] std::string find_library();

/// An environment of NAME=VALUE strings to change.
class Environment {
public:
    /// A copy of `environment`, which a null pointer ends.
    explicit Environment(const char *const *environment);

    /// The value; empty where there is none.
    [[nodiscard]] std::string get(const std::string &name) const;
    void set(const std::string &name, const std::string &value);
    /// Puts `library` in front of what LD_PRELOAD holds.
    void preload(const std::string &library);
    /// Lets programs start that are built with gcc's AddressSanitizer, whose library wants to be the first
    /// one (verify_asan_link_order). What ASAN_OPTIONS says already goes before it.
    void let_asan_start();

    /// For exec: pointers into this object, ended by a null pointer.
    [[nodiscard]] std::vector<char *> pointers();

private:
    std::vector<std::string> entries_;
};

/// The command while it runs. SIGINT and SIGQUIT, which the terminal sends to it as well, do not end us
/// meanwhile, and SIGTERM and SIGHUP are passed on to it: what ends the run is the command's own end. One at
/// a time.
class Launch {
public:
    /// Starts `command`, found in PATH as a shell would. `before_exec` runs in the child, which may do
    /// nothing there that needs a lock. Throws Failure with status_not_found or status_cannot_run.
    Launch(const std::vector<std::string> &command, Environment environment,
           const std::function<void()> &before_exec);
    Launch(const Launch &) = delete;
    Launch &operator=(const Launch &) = delete;
    /// Gives all signals back. Until then SIGTERM and SIGHUP stay caught: `timeout` sends its signal to the
    /// command and then to the whole group, and the second one must not end us before the summary is written.
    ~Launch();

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// Waits for the command's end and returns its wait status. Calls `tick`, if there is one, again and
    /// again; it says how long to wait before the next call.
    [[nodiscard]] int wait(const std::function<std::chrono::milliseconds()> &tick);

private:
    pid_t pid_ = -1;
};

/// The exit status that tells what a wait status says, as a shell does: 128 + N for signal N.
[[nodiscard]] int exit_status_of(int wait_status);

} // namespace flockstat::cli
