#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flockstat::test {

/// What to start, and in which surroundings. The environment is the test's own without LD_PRELOAD and without
/// any FLOCKSTAT_ variable, with LC_ALL=C and with FLOCKSTAT_ARENA_DIR naming a directory that ends with the
/// test program; `environment` then adds (or, with nullopt, removes) variables.
struct Command {
    std::vector<std::string> argv = {};
    std::map<std::string, std::optional<std::string>> environment = {};
    std::filesystem::path directory = {}; ///< where it runs; empty: where the test runs
    std::string input = {};               ///< its standard input; empty: /dev/null
    std::chrono::seconds limit{120};      ///< then its process group is killed, and the test fails
};

/// How a command ended, and what it wrote.
struct Outcome {
    std::string out;
    std::string err;
    int status = 0; ///< as a shell reports it: the exit status, or 128 + the signal's number
    int signal = 0; ///< the signal that ended it, or 0
    std::int64_t wall_ns = 0;
    bool timed_out = false;
};

/// Runs a command to its end. Its output goes to files in memory, so descendants that live on do not delay
/// it. Throws std::system_error where no process can be started; a missing program is status 127.
[[nodiscard]] Outcome run_command(const Command &command);

/// Shorthand for `sh -c SCRIPT` in a directory.
[[nodiscard]] Command shell(const std::string &script, const std::filesystem::path &directory = {});

/// A live process in a group of its own, with pipes to its standard input and from its standard output: tests
/// and programs take turns over them, so that no test needs to sleep until "it must have got there".
class Process {
public:
    explicit Process(const Command &command);
    ~Process(); ///< kills what is left of its group
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// Writes `line` and a newline to its standard input.
    void send(const std::string &line);

    /// Ends its standard input.
    void close_input();

    /// The next line of its standard output, without the newline. Throws std::runtime_error at the end of the
    /// output, or when nothing comes within the command's limit.
    [[nodiscard]] std::string read_line();

    /// Kills this one process (not its descendants).
    void kill_only(int signal) const;

    /// Waits for its end. `out` holds what read_line has not taken and is there by then.
    [[nodiscard]] Outcome wait();

private:
    [[nodiscard]] bool fill(int timeout_ms);

    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    int error_ = -1;
    std::string pending_;
    std::chrono::seconds limit_;
    std::chrono::steady_clock::time_point started_;
    bool ended_ = false;
};

} // namespace flockstat::test
