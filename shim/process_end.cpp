#include "shim/process_end.h"

#include "reporter/record/arena_view.h"
#include "reporter/record/system_call.h"
#include "reporter/summary/plain_summary.h"
#include "shim/attempt.h"
#include "shim/bookkeeping.h"
#include "shim/ownership.h"
#include "shim/watched_call.h"

#include <csignal>
#include <fcntl.h>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

void mark_ended(record::ProcessState state) {
    run.process->ended_ticks = now_ticks();
    run.process->status = run.exit_status;
    __atomic_store_n(&run.process->state, state, __ATOMIC_RELEASE);
}

void end_records(ThreadState &thread) {
    notice_fork();
    if (run.process == nullptr) {
        return; // a child that never locked has nothing to say
    }
    if (thread.block != nullptr) {
        end_all_at_exit(thread, now_ticks());
        abandon_episodes(thread);
    }
    mark_ended(record::ProcessState::exited);
    give_blocks(&thread);
    record::renew_clock(run.arena);
}

void end_image(ThreadState &thread) {
    notice_fork();
    if (run.process != nullptr) {
        mark_ended(record::ProcessState::execed);
        give_blocks(&thread);
    }
}

/// The deed, or, in a thread that never had anything to record, just the process's state.
void end_with(void (*deed)(ThreadState &), record::ProcessState state) {
    if (ThreadState *thread = existing_thread_state(); thread != nullptr) {
        inside_bookkeeping(*thread, deed);
        return;
    }
    notice_fork();
    if (run.process != nullptr) {
        mark_ended(state);
    }
}

void end_thread_records(ThreadState &thread) {
    notice_fork();
    if (thread.block != nullptr) {
        abandon_episodes(thread);
        thread.block->thread = 0;
    }
}

/// Is any process of the run but this one alive? What others say of themselves, and the kernel's word for those that say nothing.
bool others_alive() {
    bool alive = false;
    const record::ArenaView view(run.arena.base, run.arena.bytes);
    view.for_table<record::Process>(view.header().process_heads, [&](record::Ref ref, const record::Process &process) {
        alive = alive || (ref != run.process_ref && process.state == record::ProcessState::running && process.pid > 0 &&
                          system_call(SYS_kill, process.pid, 0) != -ESRCH);
    });
    return alive;
}

/// The link DIR/run*.flk that leads to this run's arena; its name, or empty.
std::string_view find_link(char *room) {
    char arena[record::max_path_bytes + 32];
    record::write_arena_path(run.identity, arena);
    for (int number = 1; number < 10000; ++number) {
        char path[record::max_path_bytes + 32];
        char *end = path + run.identity.directory.copy(path, run.identity.directory.size());
        *end++ = '/';
        char *const name = end;
        end += std::string_view("run.").copy(end, 4);
        if (number > 1) {
            end = std::to_chars(end, end + 8, number).ptr;
            *end++ = '.';
        }
        end += std::string_view("flk").copy(end, 3);
        *end = '\0';
        char target[record::max_path_bytes + 32];
        const long bytes = system_call(SYS_readlinkat, AT_FDCWD, address_of(path), address_of(target), sizeof target);
        if (bytes == -ENOENT) {
            return {};
        }
        if (bytes > 0 && std::string_view(target, static_cast<std::size_t>(bytes)) == arena) {
            const std::string_view found(name, static_cast<std::size_t>(end - name));
            found.copy(room, found.size());
            return {room, found.size()};
        }
    }
    return {};
}

/// The first process of a bare run leaves a summary behind, and nothing in shared memory unless somebody goes on recording.
void conclude_run() {
    char room[32];
    const std::string_view link = find_link(room);
    if (link.empty()) {
        return;
    }
    const bool others = others_alive();
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    header->left_running = others ? 1 : 0;
    header->ended = 1;
    header->command_status = run.exit_status >= 0 ? (run.exit_status & 0xFF) << 8 : -1;
    const int fault = summary::write_plain_summary(run.arena, run.identity.directory, link);
    if (fault == 0 && !others) {
        char arena[record::max_path_bytes + 32];
        record::write_arena_path(run.identity, arena);
        system_call(SYS_unlinkat, AT_FDCWD, address_of(arena), 0);
    }
}

} // namespace

void end_process(int status) {
    if (passing() || run.arena.base == nullptr) {
        return;
    }
    run.exit_status = status >= 0 ? status : run.exit_status;
    end_with(end_records, record::ProcessState::exited);
    if (run.first_process && run.process != nullptr) {
        conclude_run();
    }
}

void begin_exec() {
    if (!passing()) {
        end_with(end_image, record::ProcessState::execed);
    }
}

void exec_failed() {
    if (!passing() && run.process != nullptr) {
        run.process->state = record::ProcessState::running;
        run.process->ended_ticks = 0;
    }
}

void end_thread(ThreadState *thread) { inside_bookkeeping(*thread, end_thread_records); }

} // namespace flockstat::shim
