#include "shim/process_end.h"

#include "reporter/record/arena_view.h"
#include "reporter/record/mount_line.h"
#include "reporter/record/system_call.h"
#include "reporter/summary/plain_summary.h"
#include "reporter/summary/process_state.h"
#include "shim/attempt.h"
#include "shim/bookkeeping.h"
#include "shim/close_on_exec.h"
#include "shim/doubtful_close.h"
#include "shim/handover.h"
#include "shim/lent_memory.h"
#include "shim/process_regions.h"
#include "shim/roster.h"
#include "shim/run_arena.h"
#include "shim/start_message.h"
#include "shim/watched_call.h"

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

void mark_ended(record::ProcessState state) {
    run.process->ended_ticks = now_ticks();
    run.process->status = run.exit_status;
    __atomic_store(&run.process->state, &state, __ATOMIC_RELEASE);
}

void end_records(ThreadState &thread) {
    notice_fork();
    const std::uint64_t end_ticks = now_ticks();
    settle_doubts(thread);
    if (anything_handed()) {
        adopt_handovers(thread);
    }
    if (holds_anything()) {
        end_all_at_exit(thread, end_ticks);
    }
    if (run.process == nullptr) {
        return; // a child that never locked has nothing to say
    }
    if (thread.block != nullptr) {
        abandon_episodes(thread);
    }
    mark_ended(record::ProcessState::exited);
    give_blocks(&thread);
    record::renew_clock(run.arena);
}

void end_image(ThreadState &thread) {
    notice_fork();
    if (anything_handed()) {
        adopt_handovers(thread);
    }
    if (run.process != nullptr) {
        if (thread.block != nullptr) {
            abandon_episodes(thread); // the new image knows nothing of them
        }
        leave_to_next_image(thread);
        mark_ended(record::ProcessState::execed);
        give_blocks(&thread);
    }
}

/// The deed. Just the process's state, from which the reader tells the rest, in a thread that never had
/// anything to record, and where a signal handler ends the process that interrupted the bookkeeping.
void end_with(void (*deed)(ThreadState &), record::ProcessState state) {
    ThreadState *thread = existing_thread_state();
    if (thread == nullptr && (anything_handed() || holds_anything())) {
        thread = thread_state();
    }
    if (state == record::ProcessState::exited && run.arena.base != nullptr && made_children()) {
        (void)note_children(); // nobody else could find those that are not known yet
    }
    if (thread == nullptr) {
        notice_fork();
    } else if (inside_bookkeeping(*thread, deed) || !is_same_process()) {
        return; // all is done, or a child has no record yet
    }
    if (run.process != nullptr) {
        mark_ended(state);
    }
}

void end_thread_records(ThreadState &thread) {
    notice_fork();
    settle_doubts(thread);
    if (thread.block != nullptr) {
        abandon_episodes(thread);
        thread.block->thread = 0;
    }
}

/// Is any process of the run but this one alive? What others say of themselves, and the kernel's word for
/// those that say nothing.
bool others_alive() {
    bool alive = false;
    const record::ArenaView view(run.arena.base, run.arena.bytes);
    view.for_table<record::Process>(
        view.header().process_heads, [&](record::Ref ref, const record::Process &process) {
            alive = alive || (ref != run.process_ref && process.state == record::ProcessState::running &&
                              process.pid > 0 && system_call(SYS_kill, process.pid, 0) != -ESRCH);
        });
    return alive;
}

record::MountRoom mount_room; ///< too much for the stack of a thread that exits

void note_end(std::uint32_t left_running) {
    record::complete_mounts(run.arena, mount_room);
    record::Header &header = record::header_of(run.arena);
    header.left_running = left_running;
    header.command_status = run.exit_status >= 0 ? (run.exit_status & 0xFF) << 8 : -1;
    __atomic_store_n(&header.ended, 1U, __ATOMIC_RELEASE);
}

/// Several first processes of a run on this host share its recording, and the last of them copies it: nobody
/// can do so from another host. Who comes from now on finds no recording, and makes another one.
void conclude_elsewhere() {
    PathText link;
    const std::int32_t first = record::header_of(run.arena).first_pid;
    const bool first_alive = first > 0 && first != system_call(SYS_getpid) &&
                             summary::process_life(first, 0) != summary::Life::gone; // it may have no record
    if (first_alive || others_alive() || !find_arena_link(&link)) {
        return;
    }
    if (__atomic_exchange_n(&record::header_of(run.arena).ended, 1U, __ATOMIC_ACQ_REL) == 0) {
        remove_arena_file();
    }
    if (others_alive()) {
        return; // one came in between, and is the last now
    }
    note_end(0);
    if (const int fault = summary::write_plain_summary(run.arena, run.identity.directory, link.view());
        fault != 0) {
        say_lost_summary(run.identity.directory, fault);
    }
}

/// The first process of a bare run leaves a summary behind, and nothing in shared memory unless somebody goes
/// on recording.
void conclude_run() {
    PathText link;
    if (!find_arena_link(&link)) {
        return;
    }
    const bool others = others_alive();
    note_end(others ? 1 : 0);
    const int fault = summary::write_plain_summary(run.arena, run.identity.directory, link.view());
    if (fault != 0) {
        say_no_summary(run.identity.directory, fault);
    } else if (!others) {
        remove_arena_file();
    }
}

} // namespace

void end_process(int status) {
    if (passing() || is_borrower()) {
        return;
    }
    run.exit_status = status;
    end_with(end_records, record::ProcessState::exited);
    leave_roster();
    if (!run.first_process) {
        return; // a child of fork has noticed it by now
    }
    // Only descendants may have locked anything, and made the arena.
    if (run.arena.base != nullptr || record::open_arena(run.identity, &run.arena) == 0) {
        record::renew_clock(run.arena);
        run.joins_elsewhere ? conclude_elsewhere() : conclude_run();
    }
}

void begin_exec() {
    if (!passing() && !is_borrower()) {
        end_with(end_image, record::ProcessState::execed);
    }
}

void exec_failed() {
    if (!passing() && !is_borrower() && run.process != nullptr) {
        // What was left to the image that did not come is adopted like all that is handed to this process.
        run.process->state = record::ProcessState::running;
        run.process->ended_ticks = 0;
    }
}

void end_thread(ThreadState *thread) { inside_bookkeeping(*thread, end_thread_records); }

} // namespace flockstat::shim
