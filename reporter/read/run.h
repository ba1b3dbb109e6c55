/// The typed model of one run, as read from its arena.
///
/// Everything in it was checked: indices are valid or `no_index`, enumerations hold one of their values,
/// strings are bounded. Times are nanoseconds: durations end in _ns, moments in _at_ns (since 1970, counted
/// from the run's start by the run's own clock, so they are not moved by someone who sets the machine's
/// time).
#pragma once

#include "reporter/read/network_file.h"
#include "reporter/read/read_error.h"
#include "reporter/read/samples.h"
#include "reporter/record/arena.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flockstat::reporter {

using record::Family;
using record::LeafKind;
using record::Mode;
using record::Release;

class ArenaImage;

inline constexpr std::uint32_t no_index = UINT32_MAX;

/// One file in one family. The birth time tells files apart that got the same inode number one after the
/// other.
struct Lock {
    std::string path; ///< as the kernel gave it: bytes
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint64_t inode = 0;
    std::int64_t birth_seconds = 0;
    std::uint32_t birth_nanoseconds = 0;
    std::uint32_t filesystem = 0; ///< statfs f_type
    Family family = Family::flock;
    NetworkFile network = {}; ///< empty: the lock is its host's own
};

struct Module {
    std::string path;
    std::string build_id; ///< bytes; empty where it has none
};

/// A function of a Python program.
struct PythonFunction {
    std::string name; ///< qualified
    std::string file; ///< as the interpreter knows it
    std::uint32_t first_line = 0;
};

struct Frame {
    std::uint64_t offset = 0;        ///< return address: in the module, or absolute without one. Python: line
    std::uint32_t module = no_index; ///< in Run::modules
    std::uint32_t python = no_index; ///< in Run::python_functions; then it is in no module
};

struct Stack {
    std::vector<Frame> frames; ///< innermost first
    std::uint32_t flags = 0;   ///< record::StackFlag
    std::uint32_t process =
        no_index; ///< in Run::processes: whose address space frames without a module are in
};

struct ErrorTally {
    int error = 0; ///< errno; 0: all others that there was no room for
    std::uint64_t count = 0;
};

/// All calls of the run with one lock, stack, kind and family.
struct Leaf {
    std::uint32_t lock = no_index;  ///< no_index: the file was not known
    std::uint32_t stack = no_index; ///< no_index: not recorded
    LeafKind kind = LeafKind::test;
    Family family = Family::flock;
    std::uint64_t calls = 0; ///< release: unlock calls; test: calls
    std::uint64_t refused = 0, interrupted = 0, deadlocked = 0, failed = 0;
    std::uint64_t polled = 0, abandoned = 0, abandoned_ns = 0;
    std::array<std::uint64_t, record::release_count> released{}; ///< `unlock` included
    std::uint64_t held_open_ns = 0;
    std::vector<ErrorTally> errors; ///< each errno once
    Samples first;                  ///< acquire: enter; release: exit; test: duration of the call
    Samples region;                 ///< acquire
    Samples wait;                   ///< acquire: contended ones
    Samples overshoot;              ///< acquire: polled ones
};

/// Bytes of a lock that were asked for, or are held.
struct LockedRange {
    std::uint32_t lock = no_index;  ///< always valid
    std::uint32_t stack = no_index; ///< where; no_index: not recorded
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< both included; all that were ever meant there
};

/// Threads asked for a lock while they had others.
struct LockOrder {
    LockedRange wanted;
    std::vector<LockedRange> held;    ///< at least one, of other locks; the last got comes first
    std::uint32_t process = no_index; ///< one that did so
    std::int32_t thread = 0;          ///< of it
    std::uint64_t times = 0;          ///< that it was granted
};

/// How a process ended, as far as that can be known when the run is read.
enum class Ending { running, exited, execed, killed, unknown };

/// Where processes were and which part of a job. Many have the same.
struct Origin {
    std::string host;
    /// What record/job_variables.h lists of their environment, as it was when they began: names and values.
    std::vector<std::pair<std::string, std::string>> job;
};

struct Process {
    std::shared_ptr<const Origin> origin; ///< null: not known
    std::int32_t pid = 0;
    std::int32_t parent_pid = 0;
    std::uint64_t pid_namespace = 0;
    std::int64_t attached_at_ns = 0;
    std::int64_t ended_at_ns = 0;     ///< then, or when it was seen to be gone; else last_seen_at_ns
    std::int64_t last_seen_at_ns = 0; ///< running: when the run was read; otherwise its last recorded moment
    Ending ending = Ending::unknown;
    std::int32_t status = -1; ///< exit status, 128 + N where signal N killed it; -1: not known
    std::uint32_t uid = 0;
    std::uint32_t threads = 0;
    std::vector<std::string> command;
    std::string executable;
    std::uint64_t attempts = 0;
    std::uint64_t unlocks = 0;
    Samples enter, region, wait; ///< without distribution
};

/// A region that was open in the arena when it was read, whether or not its process still lives.
struct Region {
    std::int64_t since_at_ns = 0;
    std::uint32_t lock = no_index;    ///< always valid
    std::uint32_t stack = no_index;   ///< of the call that got it
    std::uint32_t process = no_index; ///< that got it
    std::int32_t thread = 0;
    std::uint16_t holders = 0;   ///< processes known to share it
    bool closes_at_exec = false; ///< its descriptors here are closed by an exec of its process
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = 0; ///< bytes, both included
};

/// Refused or interrupted attempts that nothing was granted after, yet.
struct Episode {
    std::int64_t first_at_ns = 0;
    std::int64_t last_at_ns = 0;
    std::uint64_t longest_gap_ns = 0;
    std::uint32_t attempts = 0;
    std::uint32_t lock = no_index; ///< no_index: the file was not known
    std::uint32_t stack = no_index;
    std::uint32_t process = no_index; ///< no_index: its thread is gone
    Family family = Family::flock;
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< bytes, both included
};

/// A thread that is (or, of an ended process, was at its end) blocked in a call.
struct Waiting {
    std::int64_t since_at_ns = 0;
    std::uint32_t lock = no_index;    ///< no_index: its file was not looked at yet (the first call for it)
    std::uint32_t process = no_index; ///< always valid
    std::int32_t thread = 0;
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = INT64_MAX; ///< bytes, both included
    Family family = Family::flock;
};

struct Event {
    record::EventKind kind = record::EventKind::none;
    Family family = Family::flock;
    Mode mode = Mode::shared;
    Release release = Release::unknown; ///< held
    int error = 0;                      ///< failed
    std::uint32_t lock = no_index, stack = no_index, process = no_index;
    std::int32_t thread = 0;
    std::int64_t start_at_ns = 0, end_at_ns = 0;
    std::uint64_t duration_ns = 0; ///< acquired, abandoned: of the whole episode; held; failed: of the call
    std::uint64_t wait_ns = 0;     ///< acquired: the sample of Leaf::wait
    std::uint64_t attempts = 0;
    std::int64_t range_start = 0, range_end = 0;
    std::uint64_t place = 0; ///< in the arena: the same event has the same one whenever the run is read
};

/// Processes outside the run that were seen to hold what somebody in it waited for: all with the same
/// arguments.
struct OutsideHolders {
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t inode = 0;
    bool flock = false; ///< else a byte range
    Mode mode = Mode::shared;
    std::vector<std::string> command; ///< empty where it was gone by then
    std::int32_t pid = 0;             ///< of the latest
    std::uint64_t processes = 0;      ///< different ones
    std::uint64_t seen_ns = 0;        ///< as long as looks found one, from each to the next
};

/// A wait counter of one process, driven by the program itself (PyTorch's wait counters).
struct WaitCounter {
    std::string name;
    std::uint32_t process = no_index; ///< always valid
    Samples waits;                    ///< that ended
    std::uint64_t active = 0;         ///< going on when the run was read, or when the process ended
    std::uint64_t max_active = 0;     ///< at once
    std::uint64_t busy_ns = 0;        ///< somebody was waiting
    std::int64_t busy_since_at_ns =
        0; ///< where some go on: busy_ns has the time from here to the end of what is known
};

/// What one counter of one lock came to in a window of time.
struct WindowCounter {
    std::string counter; ///< "filelock.enter", or the name of a program's own wait counter
    std::string path;    ///< of the lock; empty for a program's own
    std::string family;
    std::uint64_t count = 0, sum_ns = 0;
    std::uint64_t max_ns = 0; ///< filelock.wait only
};

/// A stretch of the run that its command summed up while it went on.
struct Window {
    std::int64_t start_at_ns = 0;
    std::uint64_t duration_ns = 0;
    std::uint64_t processes = 0; ///< alive at its end
    std::uint64_t waiting = 0;   ///< threads that were waiting for a lock at its end
    std::vector<WindowCounter> counters;
};

struct Run {
    std::filesystem::path file;
    std::uint64_t run_id = 0; ///< the same on all hosts of the run
    std::string host;
    std::string directory;
    std::vector<std::string> command;
    record::Clock clock = record::Clock::monotonic;
    bool clock_estimated =
        false; ///< ticks were converted by a guess: the file holds no second reading of its clock
    bool stacks_off = false, probe_off = false, all_users = false;
    std::int32_t first_pid = 0;
    bool of_this_boot = false; ///< of this machine: its processes can be looked for
    bool ended = false;        ///< by the one who started it
    std::int64_t started_at_ns = 0;
    std::int64_t read_at_ns = 0;     ///< now, where the run is of this machine and boot; else finished_at_ns
    std::int64_t finished_at_ns = 0; ///< read_at_ns while a process is alive; else the last moment in it
    std::uint64_t threads = 0;
    std::uint32_t unread_python = 0; ///< PY_VERSION_HEX of a Python whose own stacks were not read; 0: none
    record::Lost lost{};
    std::uint64_t damaged = 0; ///< records that were left out because they hold what cannot be
    std::vector<Lock> locks;
    std::vector<Module> modules;
    std::vector<PythonFunction> python_functions;
    std::vector<Stack> stacks;
    std::vector<Process> processes;
    std::vector<Leaf> leaves;      ///< one for each (lock, stack, kind, family)
    std::vector<LockOrder> orders; ///< each set of locks and places once
    std::vector<Region> regions;
    std::vector<Episode> episodes;
    std::vector<Waiting> waiting;
    std::vector<Event> events; ///< by end_at_ns
    std::vector<WaitCounter> wait_counters;
    std::vector<OutsideHolders> outside_holders;
    std::vector<Window> windows; ///< in their order; none where the run had no --window

    /// Some process of it is alive.
    [[nodiscard]] bool live() const;
};

/// Reads a live, finished or killed run, and the windows beside it (window_log.h). Throws ReadError. Reads
/// /proc to learn which of its processes are alive.
[[nodiscard]] Run read_run(const std::filesystem::path &file);

/// The same of an arena that was copied already.
[[nodiscard]] Run read_run(const ArenaImage &image);

/// Where the file is a link to the arena of a run on another host, which cannot be read from here: the name
/// of that host.
[[nodiscard]] std::optional<std::string> host_elsewhere(const std::filesystem::path &file);

/// The arena files of a run directory in their order: run.flk, run.2.flk, ... A path that is no directory is
/// returned as it is. Throws ReadError where there is nothing of that name, or no run in it.
[[nodiscard]] std::vector<std::filesystem::path> run_files(const std::filesystem::path &directory);

} // namespace flockstat::reporter
