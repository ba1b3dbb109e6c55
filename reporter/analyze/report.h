/// What a run's recording comes to: everything that a report shows, typed. Writers only format it.
#pragma once

#include "reporter/read/run.h"
#include "reporter/symbolize/symbolize.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace flockstat::reporter {

/// Summary of one counter's samples in nanoseconds; all 0 without samples.
struct Stat {
    std::uint64_t count = 0;
    std::uint64_t sum_ns = 0;
    std::uint64_t mean_ns = 0;
    std::uint64_t min_ns = 0;
    std::uint64_t max_ns = 0;
    std::uint64_t value_ns = 0; ///< the last sample
    std::uint64_t p50_ns = 0;   ///< percentiles within 3.2 %; exact up to three samples
    std::uint64_t p90_ns = 0;
    std::uint64_t p99_ns = 0;
};

/// errno name ("ENOLCK") -> how often; "other" holds those that the recording had no room to tell apart.
using ErrorCounts = std::map<std::string, std::uint64_t>;

/// How many waited at once. A process's own wait counters are judged within the process: over several
/// processes `active` and `busy_ns` are sums, and `max_active` is that of the process with the most.
struct Concurrency {
    std::uint64_t active = 0; ///< now, or never stopped by a process that has ended
    std::uint64_t max_active = 0;
    std::uint64_t busy_ns = 0; ///< somebody was waiting
};

/// A wait counter that the program drives itself.
struct WaitCounterReport {
    Stat stat;
    Concurrency concurrency;
};

struct ModeReport {
    Stat enter;
    Stat region;
};

/// How regions ended.
struct ReleaseCounts {
    std::uint64_t unlock = 0, close = 0, exit = 0, exec = 0, converted = 0, still_held = 0, unknown = 0;
};

/// A process that held the lock when the run was read.
struct HolderReport {
    std::int32_t pid = 0;
    std::vector<std::string> command; ///< empty where it is not known
    Mode mode = Mode::shared;
    std::uint64_t held_ns = 0; ///< so far
};

/// Processes outside the run, all with the same arguments, that were seen to hold what somebody in it waited
/// for.
struct OutsideHolderReport {
    std::int32_t pid = 0;             ///< of the latest
    std::vector<std::string> command; ///< empty where it is not known
    Mode mode = Mode::shared;
    std::uint64_t processes = 0;
    std::uint64_t seen_ns = 0; ///< from look to look, as long as each found one
};

/// A wait during which others, who asked later, got the lock.
struct OvertakenReport {
    std::uint64_t wait_ns = 0;
    std::uint64_t times = 0;            ///< that it was overtaken
    std::uint64_t behind_shared_ns = 0; ///< of wait_ns: shared locks were in its way
    Mode mode = Mode::shared;
    std::size_t site = 0;               ///< in Report::sites
    std::optional<std::size_t> process; ///< in Report::processes
};

/// What one process had of a lock's contended acquisitions, and of the holds that others waited for.
struct LockShare {
    std::size_t process = 0; ///< in Report::processes
    std::uint64_t waits = 0, wait_ns = 0, holds = 0, hold_ns = 0;
};

/// How a lock went from one to the next, as far as the event log has it.
struct FairnessReport {
    std::uint64_t longest_queue = 0; ///< threads that waited at once
    std::uint64_t queued_ns = 0;     ///< somebody waited
    Stat blocked, polling;           ///< hand-over: from the release to the grant. Without percentiles
    std::uint64_t readers_kept_writers_ns = 0, writers_kept_readers_ns = 0;
    std::optional<OvertakenReport> overtaken; ///< the longest wait that was
    std::vector<LockShare> processes;         ///< by time held, then by time waited
};

/// Names of hosts in their order, which many locks have in common; null: none is known.
using HostList = std::shared_ptr<const std::vector<std::string>>;

struct LockReport {
    std::string path; ///< as the kernel gave it: bytes
    /// What tells it from the locks of other hosts, where the report has several: HOST:PATH, or the file's
    /// name on the network file system. Empty: the path does.
    std::string full_name;
    std::string source; ///< network file system, "nas1:/scratch"; empty: the host's own
    HostList hosts;     ///< whose processes used it
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t inode = 0;
    std::string filesystem; ///< "ext4"; the number in hexadecimal where the name is not known
    Family family = Family::flock;
    std::uint64_t attempts = 0; ///< granted + refused + interrupted + deadlocked + failed
    std::uint64_t granted = 0, refused = 0, interrupted = 0, deadlocked = 0, failed = 0;
    std::uint64_t tests = 0, unlocks = 0;
    std::uint64_t acquisitions = 0, contended = 0, polled = 0;
    std::uint64_t abandoned = 0; ///< episodes; abandoned_ns: from the first to the last attempt of each
    std::uint64_t abandoned_ns = 0;
    ErrorCounts errors;
    ReleaseCounts released;
    std::uint64_t held_open_ns = 0;
    std::vector<HolderReport> held_by;             ///< regions that are still held, longest first
    std::vector<OutsideHolderReport> held_outside; ///< seen for the longest time first
    ModeReport shared, exclusive;
    Stat enter, region, exit, wait, overshoot;
    FairnessReport fairness;

    /// What people are shown of it.
    [[nodiscard]] const std::string &name() const { return full_name.empty() ? path : full_name; }
};

/// What one process did at one site.
struct SiteProcess {
    std::size_t process = 0; ///< in Report::processes
    std::uint64_t waits = 0, wait_ns = 0, holds = 0, hold_ns = 0;
};

/// The frames of a stack, innermost first, which many sites may have in common. As a vector that is not
/// written to.
class SharedFrames {
public:
    SharedFrames() : SharedFrames(std::vector<SourceFrame>()) {}
    SharedFrames(std::vector<SourceFrame> frames)
        : frames_(std::make_shared<const std::vector<SourceFrame>>(std::move(frames))) {}
    SharedFrames(std::initializer_list<SourceFrame> frames)
        : SharedFrames(std::vector<SourceFrame>(frames)) {}

    operator const std::vector<SourceFrame> &() const { return *frames_; }
    [[nodiscard]] const std::vector<SourceFrame> &all() const { return *frames_; }
    [[nodiscard]] bool empty() const { return frames_->empty(); }

private:
    std::shared_ptr<const std::vector<SourceFrame>> frames_;
};

/// Where a lock is taken: one (lock, stack) that has acquisitions, refusals or other attempts.
struct SiteReport {
    std::size_t lock = 0; ///< in Report::locks
    SharedFrames frames;  ///< empty where stacks were off or lost
    std::uint64_t acquisitions = 0, contended = 0;
    Stat enter, region, wait;

    // For the text report only.
    std::uint64_t abandoned = 0, abandoned_ns = 0;
    std::uint64_t held_open_ns = 0;

    /// For profiles only, by process. Where the run has one process it did everything. Otherwise this is what
    /// the event log tells: contended acquisitions, and holds that others waited for.
    std::vector<SiteProcess> processes;
};

struct ProcessReport {
    std::shared_ptr<const Origin> origin = std::make_shared<const Origin>(); ///< never null
    std::int32_t pid = 0;
    std::int32_t parent = 0;
    std::vector<std::string> command;
    std::string executable;
    Ending ending = Ending::unknown;
    std::optional<std::int32_t> status;
    std::uint64_t attempts = 0, unlocks = 0;
    Stat enter, region, wait;                               ///< without percentiles
    std::map<std::string, WaitCounterReport> wait_counters; ///< its own
};

/// Calls of one family whose file was not known.
struct UnattributedReport {
    std::uint64_t attempts = 0, unlocks = 0, tests = 0;
    ErrorCounts errors;
};

struct BlameReport {
    std::size_t lock = 0;
    std::size_t waiter = 0;            ///< site
    std::optional<std::size_t> holder; ///< site; none: not known, or outside the run
    std::uint64_t waits = 0;
    std::uint64_t wait_ns = 0;
};

struct FindingReport {
    std::string kind;
    std::size_t lock = 0;
    std::string message;
    std::vector<std::size_t> sites;
    std::uint64_t count = 0;
    std::vector<std::string> roles; ///< for the text report: what each of the sites did
};

/// A thread that was blocked in a call when the run was read, or when its process ended. For the text report
/// only.
struct WaitingReport {
    std::optional<std::size_t> lock; ///< none: not known yet, its first call
    std::int32_t pid = 0, thread = 0;
    Mode mode = Mode::shared;
    std::uint64_t wait_ns = 0; ///< as far as it is known
    bool alive = false;
};

/// A single wait or hold. For the HTML page and trace viewers only.
struct TimelineBar {
    enum class Kind {
        hold,
        wait,     ///< that ended granted
        given_up, ///< from the first to the last attempt
        blocked   ///< and was when the run was read, or when its process ended
    };

    Kind kind = Kind::hold;
    Mode mode = Mode::shared;
    std::size_t lock = 0;               ///< in Report::locks
    std::optional<std::size_t> site;    ///< in Report::sites
    std::optional<std::size_t> process; ///< in Report::processes
    std::int32_t thread = 0;            ///< 0: not known
    std::int64_t start_at_ns = 0, end_at_ns = 0;
    std::optional<std::size_t> blocker; ///< of a wait: in Report::timeline, the hold that was in its way the
                                        ///< longest
};

struct RunReport {
    std::string directory;
    std::vector<std::string> command;
    std::int64_t started_at_ns = 0;
    std::uint64_t duration_ns = 0;
    std::string host;               ///< of the first run
    std::vector<std::string> hosts; ///< all, in their order
    /// Hosts whose part is not in the report, because its recording lies on them: it goes on, or nobody was
    /// left there to copy it.
    std::vector<std::string> elsewhere;
    record::Clock clock = record::Clock::monotonic;
    std::uint64_t processes = 0, threads = 0;
    bool complete = false;     ///< no process of it is alive, or may be
    bool probe = true;         ///< off in any of the runs: false
    std::string unread_python; ///< version of a Python whose functions are not read; empty: none

    // For the text report only.
    std::uint64_t runs = 1;            ///< merged into this report; the parts of one on several hosts are one
    std::uint64_t process_time_ns = 0; ///< sum over the processes from attaching to ending
    std::uint64_t running = 0;         ///< processes alive
    std::uint64_t damaged = 0;         ///< records left out; also counted in lost.calls
    bool stacks = true;
    bool clock_estimated = false;
};

/// How often a counter had which value, by mode. Without what the recording had no room to tell apart.
struct Distribution {
    std::vector<ValueCount> shared, exclusive; ///< by value
};

/// The locks of one path and family together: a file that is replaced again and again is many locks. For
/// people's reports only.
struct LockGroup {
    LockReport sum;                 ///< device and inode are those of the first
    std::vector<std::size_t> locks; ///< in Report::locks, by wait
    Distribution wait = {}, region = {};
};

/// What processes can be put together by (process_groups.h).
enum class ProcessKey { host, job, task, step, rank, local_rank, node };

/// What the processes of a group had of a lock: of its contended acquisitions, and of the holds that others
/// waited for.
struct GroupLock {
    std::size_t lock = 0; ///< in Report::locks
    std::uint64_t waits = 0, wait_ns = 0, holds = 0, hold_ns = 0;
};

/// Processes that have the same values of the keys.
struct ProcessGroup {
    std::vector<std::string> values; ///< by key; empty: not known of them
    std::uint64_t processes = 0, attempts = 0, unlocks = 0;
    Stat enter, region, wait;     ///< without percentiles and last value
    std::vector<GroupLock> locks; ///< by wait, then by hold
};

struct ProcessGroups {
    std::vector<ProcessKey> keys;     ///< empty: nobody asked
    std::vector<ProcessGroup> groups; ///< by wait, then by time held
};

struct Report {
    RunReport run;
    record::Lost lost{};
    UnattributedReport unattributed[record::family_count];
    /// "filelock.enter", "filelock.exit", "filelock.region", and the programs' own wait counters.
    std::map<std::string, Stat> counters;
    /// Of filelock.enter, in all processes together, contended acquisitions and those who wait now; and of
    /// the programs' own.
    std::map<std::string, Concurrency> concurrency;
    std::vector<Window> windows;          ///< by start
    std::vector<LockReport> locks;        ///< by wait, then by time held
    std::vector<SiteReport> sites;        ///< by wait, then by time held
    std::vector<ProcessReport> processes; ///< by wait, then by time held
    std::vector<BlameReport> blame;       ///< by wait; adds up to the sites' waits
    ProcessGroups groups_of_processes;    ///< where somebody asked for them
    std::vector<FindingReport> findings;
    std::vector<LockGroup> groups; ///< by wait, then by time held
    std::vector<WaitingReport> waiting;
    /// By start: what the event log has one by one, and what was open when the run was read. Holds that
    /// nobody waited for, and that were short, are not in it.
    std::vector<TimelineBar> timeline;
};

/// Whether a report has its timeline, which most are written without and which can be most of a report.
enum class Timeline { wanted, left_out };

/// Sums up and ranks one run, or several together: equal locks and stacks of different runs become one.
/// `symbolizer` may be null, then frames have module and offset only. Pure but for what the symbolizer reads.
[[nodiscard]] Report analyze(std::span<const Run> runs, Symbolizer *symbolizer,
                             Timeline timeline = Timeline::wanted);

} // namespace flockstat::reporter
