/// The arena: the file that the processes of a run and its readers share.
///
/// One run has one arena, mapped MAP_SHARED by every process of the run. Its content is a fixed header
/// and a heap; everything in the heap is reached from the chains of the header by references. All of it is
/// plain integers of fixed width in the machine's byte order. Records are never moved and, but for thread
/// blocks that are handed on to another thread, never reused, so a reference that was valid stays valid.
///
/// Nothing in here may be trusted by anyone who reads it: any process of the run may have scribbled on it.
/// arena_view.h is the checked way of reading.
///
/// Who writes what:
///  - header counters, chains, processes, locks, stacks, modules, strings: any process, by atomic operations;
///    a record is complete before it is pushed onto its chain.
///  - a thread block with its leaves, regions and episodes: the one thread that it is attached to; but a
///  region
///    that processes share is ended (since_ticks) and handed on (process, descriptor) by any of them.
#pragma once

#include "reporter/record/words.h"

namespace flockstat::record {

inline constexpr char arena_magic[8] = {'F', 'L', 'O', 'C', 'K', 'S', 'T', 'A'};
inline constexpr std::uint32_t arena_version = 8;

/// Offset in the arena in units of ref_unit bytes; 0 is "none".
using Ref = std::uint32_t;
inline constexpr std::size_t ref_unit = 16;

/// Heads of a chain table; a record's chain is its hash modulo this. Powers of two.
inline constexpr std::size_t lock_chains = 16384;
inline constexpr std::size_t string_chains = 8192;
inline constexpr std::size_t stack_chains = 8192;
inline constexpr std::size_t module_chains = 1024;
inline constexpr std::size_t process_chains = 4096;
inline constexpr std::size_t python_chains = 1024;

/// One moment read from three clocks, as close together as possible.
struct ClockReading {
    std::uint64_t ticks;
    std::uint64_t monotonic_ns;
    std::uint64_t realtime_ns;
};

/// What did not fit, each counted once for every time that something was left out.
struct Lost {
    std::uint64_t events;    ///< events beyond the event budget
    std::uint64_t processes; ///< processes that got no record
    std::uint64_t locks;     ///< calls whose lock got no record
    std::uint64_t stacks;    ///< calls whose stack got no record, or was cut at max_stack_frames
    std::uint64_t calls;     ///< calls that could not be counted at all
    std::uint64_t orders;    ///< acquisitions while other locks were held that found no room for it
};

enum RunOption : std::uint32_t {
    option_stacks_off = 1U << 0,
    option_probe_off = 1U << 1,
    option_all_users = 1U << 2,
};

/// A set of files, by hash: one that was put in is found; one that was not seldom is.
struct FileSet {
    std::uint64_t words[256];
};

struct Header {
    char magic[8];
    std::uint32_t version;
    std::uint32_t header_bytes; ///< sizeof(Header)
    std::uint64_t arena_bytes;  ///< of the whole file
    std::uint64_t run_id;       ///< random; the same on all hosts of a run, each of which has its own arena
    char boot_id[40];           ///< /proc/sys/kernel/random/boot_id, NUL-terminated
    char host[72];              ///< host name, NUL-terminated
    Clock clock;
    std::uint32_t options;         ///< RunOption bits
    ClockReading started;          ///< when the arena was made
    ClockReading latest;           ///< renewed now and then, for the calibration of a run that is over
    std::uint64_t latest_sequence; ///< odd while `latest` is being written
    Ref command;                   ///< string: the run's command, arguments separated by NUL
    Ref directory;                 ///< string: the run's directory, absolute
    std::int32_t first_pid;        ///< the run's first process
    std::uint32_t ended;           ///< 1: the run was ended by the one who started it
    std::int32_t command_status;   ///< wait status of the command, where `ended`
    std::uint32_t left_running;    ///< processes alive when the run was ended
    std::uint32_t unread_python;   ///< PY_VERSION_HEX of a Python whose own stacks could not be read; 0: none
    Ref outside_holders;           ///< chain of OutsideHolder
    Lost lost;
    std::uint64_t heap_next;     ///< bytes from the arena's start; atomic add takes room
    std::uint64_t heap_real;     ///< bytes from the arena's start that have real memory behind them
    std::uint64_t event_bytes;   ///< taken for event chunks
    std::uint32_t process_count; ///< records claimed
    std::uint32_t thread_count;  ///< threads that were attached
    std::uint64_t free_blocks;   ///< stack of thread blocks to adopt: Ref low, change count high
    Ref wait_counters;           ///< chain of all WaitCounters
    std::uint32_t reserved0;
    Ref blocks;       ///< chain of all thread blocks
    Ref event_chunks; ///< chain of all event chunks
    /// Counts Keep records that were put on any process: who saw another number before looks for its own.
    alignas(64) std::uint64_t handovers;
    std::uint64_t reserved[7];
    Ref roster;                ///< chain of RosterGroup
    std::uint32_t roster_full; ///< 1: a process found no place in it
    std::uint64_t reserved2[7];
    FileSet passed; ///< a descriptor of it was put into a message, or taken from one or from another process
    FileSet mapped; ///< mapped by a process whose descriptor may have been others' too
    Ref lock_heads[lock_chains];
    Ref string_heads[string_chains];
    Ref stack_heads[stack_chains];
    Ref module_heads[module_chains];
    Ref process_heads[process_chains]; ///< by pid
    Ref python_heads[python_chains];
};

/// Events may take this part of the arena.
inline constexpr std::uint64_t event_share_divisor = 4;

struct String {
    Ref next;
    std::uint32_t hash;
    std::uint32_t bytes; ///< without the terminating NUL that follows the text
    char text[4];        ///< really bytes + 1
};
inline constexpr std::size_t max_string_bytes = 32768;

struct Module {
    Ref next;
    std::uint32_t hash;
    Ref path; ///< string, absolute where known
    std::uint32_t build_id_bytes;
    std::uint8_t build_id[32];
};

/// A function of a Python program.
struct PythonFunction {
    Ref next;
    std::uint32_t hash;
    Ref name; ///< string: co_qualname
    Ref file; ///< string: co_filename
    std::uint32_t first_line;
    std::uint32_t reserved[3];
};

enum class FrameKind : std::uint32_t {
    native = 0,
    python = 1, ///< a Python function in place of the interpreter's code that runs it
};

/// A frame of a stack. Native, in a module: the ELF virtual address (address less load bias) of the return
/// address. Without one (JIT code): the address itself, in the address space of the stack's process. Python:
/// the line.
struct Frame {
    std::uint64_t offset;
    Ref module; ///< 0: none. Python: the PythonFunction
    FrameKind kind;
};
inline constexpr std::size_t max_stack_frames = 256;

enum StackFlag : std::uint32_t {
    stack_truncated = 1U << 0, ///< deeper than max_stack_frames
    stack_through_signal = 1U << 1,
    stack_broken = 1U << 2, ///< unwinding ended before the outermost frame
};

struct Stack {
    Ref next;
    std::uint32_t hash;
    Ref process; ///< set where a frame has no module: whose address space
    std::uint32_t flags;
    std::uint32_t depth;
    std::uint32_t reserved[3];
    Frame frames[1]; ///< really depth; innermost first: frames[0] called the lock function
};

/// One file in one family. A file is device, inode and birth time: a freed inode number is reused at once.
struct Lock {
    Ref next;
    std::uint32_t hash;
    Family family;
    std::uint8_t reserved0[3];
    Ref path; ///< string: readlink of /proc/self/fd at first sight
    std::uint32_t device_major, device_minor;
    std::uint64_t inode;
    std::int64_t birth_seconds; ///< 0 with birth_nanoseconds 0: the file system tells none
    std::uint32_t birth_nanoseconds;
    std::uint32_t filesystem; ///< statfs f_type
    /// String: the line of /proc/self/mountinfo (man 5 proc) of the mount through which it was first seen;
    /// 0 for file systems that are the host's own, and where /proc does not tell.
    Ref mount;
    std::uint32_t mount_of_another; ///< 1: as another process saw it, whose root may be another

    /// Written by those who wait or are refused, read by those who release: the tick of the latest of them.
    alignas(64) std::uint64_t waited_ticks;
    /// Written by a release that saw a newer waited_ticks than its grant: the start of that release.
    std::uint64_t released_ticks;
    std::uint64_t reserved2[6];
};

/// Summary of samples. `count` and `sum` are written last, by one 16-byte store: a process that was killed in
/// the middle of an update leaves at most a histogram with one sample more than `count`. Up to three samples
/// need no histogram: they are min, max and the rest.
struct alignas(16) Stat {
    std::uint64_t count;
    std::uint64_t sum_ticks;
    std::uint64_t min_ticks;
    std::uint64_t max_ticks;
    std::uint64_t last_ticks;
    std::uint64_t last_at_ticks; ///< when the last sample was added
    Ref histogram;               ///< none up to three samples (or where there was no room)
    std::uint32_t reserved[3];
};
inline constexpr std::uint64_t samples_without_histogram = 3;

/// Summary without distribution, for a process. `count` and `sum` are written together, as in Stat.
struct alignas(16) ShortStat {
    std::uint64_t count, sum_ticks, min_ticks, max_ticks, last_ticks, last_at_ticks;
};

struct ProcessTotals {
    std::uint64_t attempts;
    std::uint64_t unlocks;
    ShortStat enter;
    ShortStat region;
    ShortStat wait;
};

/// Calls of one thread block with the same lock, stack and kind. A lock of 0 means that the file was not
/// known.
struct Leaf {
    Ref next; ///< in the block's chain
    Ref lock;
    Ref stack;
    LeafKind kind;
    Family family;
    std::uint16_t reserved0;
    std::uint64_t calls; ///< release: unlock calls; test: calls; acquire: unused (enter.count + extra)
    Ref extra;           ///< LeafExtra, taken at the first call out of the ordinary
    Ref orders;          ///< acquire: chain of LockOrder
    Stat first;          ///< acquire: filelock.enter; release: filelock.exit; test: duration
    Stat second;         ///< acquire: filelock.region
};

/// A lock that a thread had when it asked for another one.
struct OuterLock {
    Ref lock;
    Ref stack; ///< where it was got
    std::int64_t range_start, range_end;
    Mode mode;
    std::uint8_t reserved[7];
};

/// What a thread had when it asked for a leaf's lock: each set once, of at least one other lock.
struct LockOrder {
    Ref next;
    Ref process;         ///< that did so first
    std::int32_t thread; ///< of it
    std::uint32_t outer_count;
    std::uint64_t times;                 ///< that it was granted
    std::int64_t range_start, range_end; ///< all bytes that were asked for
    std::uint64_t reserved;
    OuterLock outers[1]; ///< really outer_count; innermost first, ranges as wide as they ever were
};
inline constexpr unsigned max_outer_locks = 32; ///< regions of one thread that are looked at
inline constexpr unsigned max_leaf_orders = 64; ///< sets that a leaf tells apart

struct ErrorCount {
    std::uint32_t error; ///< errno
    std::uint32_t count;
};
inline constexpr unsigned max_leaf_errors = 6; ///< the last slot counts all further ones as errno 0

/// The rare counters of a leaf.
struct LeafExtra {
    std::uint64_t refused;
    std::uint64_t interrupted;
    std::uint64_t deadlocked;
    std::uint64_t failed;
    std::uint64_t polled;
    std::uint64_t abandoned;
    std::uint64_t abandoned_ticks;
    std::uint64_t released[release_count]; ///< but for `unlock`, which is region.count less the samples here
    std::uint64_t held_open_ticks;         ///< known part of regions that ended `unknown`
    ErrorCount errors[max_leaf_errors];
    Stat wait;      ///< contended acquisitions
    Stat overshoot; ///< polled acquisitions
};

/// A live region: one cache line that its owner writes and that those who must wait read.
struct Region {
    std::uint64_t since_ticks; ///< 0: the slot is free. Written last on opening, first on closing
    std::uint64_t owner;       ///< posix: process ordinal; else the open file description's number in the run
    std::int64_t range_start;  ///< first byte still held
    std::int64_t range_end;    ///< last byte still held (INT64_MAX: to the end of any file)
    Ref lock;
    Ref stack;
    Ref process;             ///< its keeper: a process that has it, and in whose care its end is
    std::int32_t descriptor; ///< of the keeper
    std::int32_t thread;     ///< tid that got it
    Family family;
    Mode mode;
    std::uint16_t holders;        ///< 2 or more: other processes may have it too
    std::uint32_t closes_at_exec; ///< 1: an exec of its keeper, begun after it was written, ends it
    std::uint32_t reserved;
};
inline constexpr unsigned regions_in_group = 15;

/// Processes of the run that are there now, children by fork that recorded nothing included: candidates, when
/// it is asked who else has an open file description. All of a group are of one pid namespace.
struct RosterGroup {
    Ref next;
    std::uint32_t pid_namespace; ///< the number of its inode
    std::uint64_t reserved;
    /// 0: free. Low roster_pid_bits: the pid; above: since when it is there, in units of 2^roster_pid_bits
    /// ticks, rounded up. A place whose pid is no process's any more is free, too.
    std::uint64_t places[30];
};
inline constexpr unsigned roster_pid_bits = 22; ///< PID_MAX_LIMIT of the kernel is 2^22

/// A region that was put into a process's care: by one that had it and closed it, or by the image that the
/// process was before an exec.
struct Keep {
    Ref next;
    Ref region;                 ///< 0: `descriptor` is just a duplicate of `duplicate_of`
    std::uint64_t since_ticks;  ///< of the region
    std::uint64_t handed_ticks; ///< when it was last known to be held
    std::int64_t range_start, range_end;
    std::int32_t descriptor; ///< of the process; -1: a posix lock, which needs none
    std::int32_t duplicate_of;
    Ref keeper; ///< of the region as long as nobody else took it over
    std::uint32_t reserved;
};

struct RegionGroup {
    Ref next;
    std::uint32_t reserved[15];
    Region slots[regions_in_group];
};

/// Refused or interrupted attempts of one thread for one thing that were not granted yet.
struct Episode {
    std::uint64_t first_ticks; ///< start of the first attempt; 0: the slot is free
    std::uint64_t last_ticks;  ///< end of the latest attempt
    std::uint64_t longest_gap_ticks;
    std::int64_t range_start, range_end;
    Ref lock;
    Ref path;
    Ref stack; ///< of the latest attempt
    std::uint32_t attempts;
    std::uint32_t refused; ///< of them
    Family family;
    Mode mode;
    std::uint16_t reserved;
};
inline constexpr unsigned max_episodes = 16;

/// What a thread waits for now, in a blocking call.
struct Waiting {
    std::uint64_t since_ticks; ///< 0: for nothing
    std::uint64_t return_address;
    std::int64_t range_start, range_end;
    Ref lock;
    Family family;
    Mode mode;
    std::uint16_t reserved0;
};

/// What one thread writes. When its thread ends another one takes it over as it is: leaves are sums.
struct ThreadBlock {
    Ref next;      ///< chain of all blocks
    Ref next_free; ///< where it is in Header::free_blocks
    Ref process;   ///< attached to; 0: nobody's
    std::int32_t thread;
    std::uint32_t epoch; ///< of the process record, when it was attached
    std::uint32_t leaf_count;
    Ref leaves;
    Ref regions;             ///< RegionGroup chain
    Ref events;              ///< EventChunk being filled
    Ref room_next, room_end; ///< what is left of the room that was taken for this block's records
    std::uint32_t threads_served;
    ProcessTotals totals; ///< of the process since it was attached
    Waiting waiting;
    Episode episodes[max_episodes];
};

/// totals[epoch & 1] counts blocks that were given back; attached blocks count where their epoch is this
/// record's.
struct Process {
    Ref next;
    std::uint32_t ordinal; ///< from 1
    std::int32_t pid;      ///< in its own pid namespace
    std::int32_t parent_pid;
    std::uint64_t pid_namespace; ///< inode of /proc/self/ns/pid
    std::uint64_t attached_ticks;
    std::uint64_t ended_ticks; ///< then; or, where state is running, when it was seen to be gone; else 0
    ProcessState state;
    std::int32_t status; ///< exit status; -1: not seen
    Ref command;         ///< string: arguments separated by NUL
    Ref executable;      ///< string
    std::uint32_t threads;
    std::uint32_t epoch;
    std::uint32_t uid;
    Ref keeps; ///< chain of Keep, for the process to take
    std::uint32_t
        stand_in; ///< 1: made by another process of the run, to have its pid and command for what it holds
    Ref job;      ///< string: what job_variables.h lists of its environment, NAME=VALUE separated by NUL
    Waiting first_wait; ///< of a thread that has no block yet: in the process's first call. UINT64_MAX: being
                        ///< written
    ProcessTotals totals[2];
};

struct Event {
    EventKind kind; ///< written last
    Family family;
    Mode mode;
    std::uint8_t release; ///< held: Release
    std::int32_t error;   ///< failed: errno
    Ref lock;
    Ref stack;
    Ref process;
    std::int32_t thread;
    std::uint64_t
        start_ticks; ///< acquired, abandoned: start of the first attempt; held: grant; failed: start
    std::uint64_t end_ticks;
    std::uint32_t attempts;    ///< acquired, abandoned: number of attempts
    std::uint32_t probe_ticks; ///< acquired: the wait began so long after start_ticks; 0 where it was polled
    std::int64_t range_start, range_end;
};
inline constexpr unsigned events_in_chunk = 31;

/// Processes outside the run that were in the way of somebody in it for long, as the kernel's list of locks
/// said when it was looked at: all with the same arguments as one. Written by the one who started the run.
struct OutsideHolder {
    Ref next;
    Ref command;             ///< string: arguments separated by NUL; 0: it was gone by then
    std::int32_t pid;        ///< of the latest, as the observer sees it
    std::uint32_t processes; ///< different ones
    std::uint32_t device_major, device_minor;
    std::uint64_t inode;
    Family family; ///< flock, or posix
    Mode mode;
    std::uint8_t reserved[6];
    std::uint64_t seen_ticks; ///< as long as looks found one, from each to the next
};

/// A wait counter of one process, driven through the dynamic backend of PyTorch's wait counters: several
/// threads at once may wait. Written under a lock of the process.
struct WaitCounter {
    Ref next;    ///< in Header::wait_counters
    Ref name;    ///< string
    Ref process; ///< whose waits these are
    std::uint32_t reserved;
    std::uint64_t busy_us;       ///< somebody was waiting, as of busy_since_us
    std::uint64_t busy_since_us; ///< CLOCK_MONOTONIC; since then somebody waits, where active is not 0
    std::uint64_t reserved1;
    std::uint32_t active; ///< waits that go on
    std::uint32_t max_active;
    std::uint64_t reserved2;
    Stat waits; ///< that ended. In microseconds of CLOCK_MONOTONIC, not in ticks
};

struct EventChunk {
    Ref next;
    std::uint32_t reserved[15];
    Event events[events_in_chunk];
};

static_assert(sizeof(Lock) == 128);
static_assert(sizeof(Stat) == 64);
static_assert(sizeof(Leaf) == 160);
static_assert(sizeof(Region) == 64);
static_assert(sizeof(Event) == 64);
static_assert(sizeof(WaitCounter) == 128);
static_assert(sizeof(RosterGroup) == 256);
static_assert(sizeof(Frame) == 16);
static_assert(sizeof(OuterLock) == 32);
static_assert(sizeof(LockOrder) == 80);

} // namespace flockstat::record
