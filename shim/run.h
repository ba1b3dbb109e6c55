/// The run that this process belongs to: identity, arena, settings, and this process's record. Private
/// memory; what is in here is what bounds are taken from.
#pragma once

#include "reporter/record/chain.h"
#include "reporter/record/clock.h"
#include "reporter/record/job_variables.h"
#include "reporter/record/settings.h"

namespace flockstat::shim {

/// How far this process has got with its run.
enum class Attachment : std::uint32_t {
    early,     ///< our constructor has not run: calls are passed on
    off,       ///< not recording: set-user-ID, no permission, a bad setting
    none,      ///< there is no arena yet; the first lock call makes it
    attaching, ///< a thread is at it
    attached,
};

/// Zeroed by the kernel in a child (MADV_WIPEONFORK), so that a raw clone is noticed too.
struct ForkPage {
    std::uint32_t generation; ///< of the process that has it: 0 is a child that does not know yet
};

struct ProcessRun {
    Attachment attachment = Attachment::early;
    record::Clock clock = record::Clock::monotonic;
    bool probe = true;
    bool stacks = true;
    bool first_process = false; ///< of a bare preload: writes the summary, and may speak on stderr
    bool joins_elsewhere =
        false; ///< first_process, of those that a launcher started on another host than the run's
    ForkPage *fork_page = nullptr;
    std::int32_t pid = 0;         ///< of `process`
    std::uint32_t generation = 1; ///< of this process among those that share its image by fork
    record::Mapping arena;
    record::ClockReading started{}; ///< private copy of the header's
    record::Process *process = nullptr;
    record::Ref process_ref = 0;
    std::uint64_t *roster_place = nullptr; ///< roster.h; a child of fork joins anew before it looks at it
    std::uint64_t pid_namespace = 0;       ///< as the record says
    std::uint32_t first_epoch = 1;         ///< fork_epoch() when this process began
    std::uint32_t noted_epoch = 0;         ///< fork_epoch() up to which all children are in the roster
    std::int32_t lender_pid = 0;           ///< lent_memory.h: this process, once it has lent its memory
    std::uint64_t began_ticks = 0;         ///< not after anything that it did; 0: not known
    std::uint64_t handovers_seen = 0;      ///< Header::handovers, when this process last looked
    std::string_view command_line; ///< of this process, arguments separated by NUL; as the kernel laid it out
    record::Ref command = 0;       ///< interned; children by fork have the same
    record::Ref executable = 0;
    record::Ref job = 0;
    std::size_t job_bytes = 0; ///< of job_text: what job_variables.h lists, as the process began
    char job_text[record::max_job_bytes] = {};
    record::Settings settings;
    record::RunIdentity identity; ///< views into identity_text
    char identity_text[sizeof("FLOCKSTAT_RUN=") + record::max_identity_bytes] = {};
    std::int32_t exit_status = -1; ///< as far as it was seen
};

/// The one of this process. Written by the constructor, by the thread that attaches, and by a child after
/// fork.
extern ProcessRun run;

/// Ticks now, in the arena's clock.
inline std::uint64_t now_ticks() { return record::read_ticks(run.clock); }

/// Calls are to be recorded, or passed straight on.
[[nodiscard]] inline bool recording() { return run.attachment > Attachment::off; }

/// Ticks that `ns` nanoseconds take, by what the clocks did since the run began. Async-signal-safe, some
/// system calls slow.
[[nodiscard]] std::uint64_t ticks_for_ns(std::uint64_t ns);

/// The constructor's part of attach_run: maps an arena that is there already, while this process still can,
/// and makes none.
[[nodiscard]] Attachment open_existing_arena();

/// Maps the run's arena, or makes it; claims this process's record. False where this process cannot record.
/// Slow; after the first time a comparison. Async-signal-safe. Errno untouched.
[[nodiscard]] bool attach_run();

/// A new record of a running process, not shown yet; nullptr where there is no room.
[[nodiscard]] record::Process *make_process(std::int32_t pid, record::Ref *ref);

/// Pushes a record that is complete onto its chain.
void show_process(record::Process *process, record::Ref ref);

/// The latest record of a process of this pid namespace; nullptr where it has none.
[[nodiscard]] record::Process *find_process(std::int32_t pid, record::Ref *ref);

/// Counts something that was left out.
void count_lost(std::uint64_t record::Lost::*what, std::uint64_t times = 1);

/// In a child of fork: forgets the parent's record. The caller resets what else is per process.
void forget_parent_run();

/// The constructor's part: settings, identity, environment, an arena that is there already.
void start_run(int argument_count, char **arguments, char **environment);

} // namespace flockstat::shim
