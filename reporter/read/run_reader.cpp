#include "reporter/read/run.h"

#include "reporter/read/arena_image.h"
#include "reporter/read/block_reader.h"
#include "reporter/read/first_waits.h"
#include "reporter/read/present.h"
#include "reporter/read/window_log.h"
#include "reporter/summary/process_state.h"

#include <algorithm>
#include <cstring>
#include <sys/wait.h>

namespace flockstat::reporter {
namespace {

using summary::Life;

Run read_header(const ArenaImage &image, const RunClock &clock) {
    const record::Header &header = image.view().header();
    Run run;
    run.file = image.file();
    run.run_id = header.run_id;
    run.host.assign(header.host, ::strnlen(header.host, sizeof header.host));
    run.clock = header.clock == record::Clock::tsc ? record::Clock::tsc : record::Clock::monotonic;
    run.clock_estimated = clock.estimated();
    run.stacks_off = (header.options & record::option_stacks_off) != 0;
    run.probe_off = (header.options & record::option_probe_off) != 0;
    run.all_users = (header.options & record::option_all_users) != 0;
    run.first_pid = header.first_pid;
    run.of_this_boot = clock.of_this_boot();
    run.ended = header.ended == 1;
    run.started_at_ns = clock.moment_ns(header.started.ticks);
    run.threads = header.thread_count;
    run.unread_python = header.unread_python;
    run.lost = header.lost;
    return run;
}

/// Process records that something stands in: those that are claimed but not complete yet are passed over.
void read_processes(const record::ArenaView &arena, RecordTables &tables, BlockReader &blocks) {
    arena.for_table<record::Process>(arena.header().process_heads,
                                     [&](record::Ref ref, const record::Process &stored) {
                                         if (stored.state == record::ProcessState::unused) {
                                             return;
                                         }
                                         const std::uint32_t index = tables.process(ref);
                                         if (index != no_index) {
                                             blocks.add_totals(stored.totals[stored.epoch & 1U], index);
                                             blocks.read_waiting(stored.first_wait, 0, index);
                                         }
                                     });
}

Life life_of(const Process &process, const RunClock &clock, const Run &run, std::uint64_t pid_namespace) {
    if (!clock.of_this_boot() || process.pid_namespace != pid_namespace || pid_namespace == 0) {
        return Life::unknown;
    }
    const std::int64_t age_ns = run.read_at_ns - process.attached_at_ns;
    return summary::process_life(process.pid, static_cast<std::uint64_t>(std::max<std::int64_t>(age_ns, 0)));
}

/// Of those that did not say that they ended: which are alive, which were killed?
void judge_endings(Run &run, const RunClock &clock, bool nobody_left) {
    const std::uint64_t pid_namespace = summary::own_pid_namespace();
    for (Process &process : run.processes) {
        if (process.ending == Ending::unknown) {
            const Life life = life_of(process, clock, run, pid_namespace);
            if (life == Life::alive) {
                process.ending = Ending::running;
                process.last_seen_at_ns = run.read_at_ns;
            } else if (life == Life::gone || nobody_left) {
                process.ending = Ending::killed;
            }
            process.ended_at_ns = process.last_seen_at_ns;
        } else if (process.ending == Ending::killed) {
            process.ended_at_ns = std::max(process.ended_at_ns, process.last_seen_at_ns);
        }
    }
}

/// The command's own end was seen by the one who started it.
void add_command_status(Run &run, const record::Header &header) {
    Process *command = nullptr;
    for (Process &process : run.processes) { // after an exec there are several of one pid: the last one is it
        if (process.pid == header.first_pid &&
            (command == nullptr || process.attached_at_ns >= command->attached_at_ns)) {
            command = &process;
        }
    }
    if (!run.ended || command == nullptr || command->status != -1) {
        return;
    }
    if (WIFEXITED(header.command_status) && command->ending == Ending::exited) {
        command->status = WEXITSTATUS(header.command_status);
    } else if (WIFSIGNALED(header.command_status) && command->ending == Ending::killed) {
        command->status = 128 + WTERMSIG(header.command_status);
    }
}

/// Nothing is later than the moment of reading; a later one is damage, or a clock that was read a little
/// early elsewhere.
void limit_moments(Run &run) {
    for (Process &process : run.processes) {
        process.attached_at_ns = std::clamp(process.attached_at_ns, run.started_at_ns, run.read_at_ns);
        process.ended_at_ns = std::clamp(process.ended_at_ns, process.attached_at_ns, run.read_at_ns);
        process.last_seen_at_ns = std::clamp(process.last_seen_at_ns, process.attached_at_ns, run.read_at_ns);
    }
}

/// Of waits that go on, or were never stopped by a process that has ended.
void extend_busy_times(Run &run) {
    for (WaitCounter &counter : run.wait_counters) {
        const Process &process = run.processes[counter.process];
        const std::int64_t until_ns =
            process.ending == Ending::running ? run.read_at_ns : process.ended_at_ns;
        if (counter.active != 0 && until_ns > counter.busy_since_at_ns) {
            counter.busy_ns = saturating_add(counter.busy_ns,
                                             static_cast<std::uint64_t>(until_ns - counter.busy_since_at_ns));
        }
    }
}

std::int64_t last_moment(const Run &run, std::int64_t latest_at_ns) {
    std::int64_t last = std::max(run.started_at_ns, latest_at_ns);
    for (const Process &process : run.processes) {
        last = std::max({last, process.last_seen_at_ns, process.ended_at_ns});
    }
    return last;
}

enum class Parts { all, present };

Run read_parts(const ArenaImage &image, Parts parts) {
    const record::ArenaView arena = image.view();
    const record::Header &header = arena.header();
    const RunClock clock(header);
    Run run = read_header(image, clock);
    RecordTables tables(arena, clock, run);
    run.directory = tables.text(header.directory);
    run.command = tables.arguments(header.command);
    BlockReader blocks(arena, clock, tables, run);
    read_processes(arena, tables, blocks);
    if (parts == Parts::present) {
        blocks.read_present();
    } else {
        blocks.read_blocks();
        blocks.read_events();
        blocks.read_wait_counters();
        blocks.read_outside_holders();
    }

    const std::int64_t latest_at_ns = clock.moment_ns(header.latest.ticks);
    run.read_at_ns = clock.of_this_boot() ? std::max(clock.moment_ns(clock.now_ticks()), run.started_at_ns)
                                          : last_moment(run, latest_at_ns);
    limit_moments(run);
    judge_endings(run, clock, run.ended && header.left_running == 0);
    find_first_waits(run);
    add_command_status(run, header);
    extend_busy_times(run);
    run.finished_at_ns =
        run.live() ? run.read_at_ns : std::min(run.read_at_ns, last_moment(run, latest_at_ns));
    return run;
}

} // namespace

bool Run::live() const {
    return std::ranges::any_of(processes, [](const Process &p) { return p.ending == Ending::running; });
}

Run read_run(const std::filesystem::path &file) {
    Run run = read_run(ArenaImage(file));
    run.windows = read_windows(window_file(file));
    return run;
}

Run read_run(const ArenaImage &image) { return read_parts(image, Parts::all); }

Run read_present(const std::filesystem::path &file) { return read_parts(ArenaImage(file), Parts::present); }

} // namespace flockstat::reporter
