#include "shim/run.h"

#include "reporter/record/system_call.h"
#include "shim/fork_epoch.h"
#include "shim/origin.h"
#include "shim/proc_path.h"
#include "shim/roster.h"
#include "shim/run_arena.h"
#include "shim/signals_blocked.h"
#include "shim/start_message.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace flockstat::shim {

using record::address_of;
using record::system_call;

ProcessRun run;

namespace {

/// Takes over what the arena says of its clock.
void adopt_arena_facts() {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    run.clock = header->clock == record::Clock::tsc ? record::Clock::tsc : record::Clock::monotonic;
    run.started = header->started;
}

/// Where /proc does not tell it stays what it was: the parent's.
void find_pid_namespace() {
    struct stat64 facts {};
    ProcPath path;
    path.add(own_folder()).add("/ns/pid");
    if (system_call(SYS_newfstatat, AT_FDCWD, address_of(path.c_str()), address_of(&facts), 0) == 0) {
        run.pid_namespace = facts.st_ino;
    }
}

/// `mine`: with its pid.
void fill_process(record::Process *mine) {
    mine->parent_pid = static_cast<std::int32_t>(system_call(SYS_getppid));
    mine->uid = static_cast<std::uint32_t>(system_call(SYS_getuid));
    mine->pid_namespace = run.pid_namespace;
    if (run.command == 0) {
        run.command = record::intern_string(run.arena, run.command_line);
        char path[record::max_path_bytes];
        const long bytes = system_call(SYS_readlinkat, AT_FDCWD, address_of("/proc/self/exe"),
                                       address_of(path), sizeof path);
        run.executable =
            bytes > 0 ? record::intern_string(run.arena, {path, static_cast<std::size_t>(bytes)}) : 0;
        run.job = run.job_bytes != 0 ? record::intern_string(run.arena, {run.job_text, run.job_bytes}) : 0;
    }
    mine->command = run.command;
    mine->executable = run.executable;
    mine->job = run.job;
}

/// The record that another process of the run made on this one's behalf.
record::Process *take_stand_in(std::int32_t pid, record::Ref *ref) {
    record::Process *known = find_process(pid, ref);
    std::uint32_t stands_in = 1;
    return known != nullptr && known->state == record::ProcessState::running &&
                   __atomic_compare_exchange_n(&known->stand_in, &stands_in, 0, false, __ATOMIC_ACQ_REL,
                                               __ATOMIC_RELAXED)
               ? known
               : nullptr;
}

/// What the image before left to this one.
void take_keeps(const record::Process &before, record::Process *mine) {
    auto *keeps = const_cast<record::Ref *>(&before.keeps);
    mine->keeps = __atomic_exchange_n(keeps, 0, __ATOMIC_ACQ_REL);
}

/// Claims this process's record: no descriptor, no path, so that a child that dropped its rights can.
void claim_process() {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const auto pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    find_pid_namespace();
    const bool any_handed = __atomic_load_n(&header->handovers, __ATOMIC_RELAXED) != 0;
    record::Ref ref = 0;
    record::Process *mine = any_handed ? take_stand_in(pid, &ref) : nullptr;
    if (mine == nullptr) {
        record::Ref before_ref = 0;
        const record::Process *before = any_handed ? find_process(pid, &before_ref) : nullptr;
        mine = make_process(pid, &ref);
        if (mine == nullptr) {
            count_lost(&record::Lost::processes);
            return;
        }
        fill_process(mine);
        if (before != nullptr && before->state == record::ProcessState::execed) {
            take_keeps(*before, mine);
        }
        show_process(mine, ref);
    } else {
        fill_process(mine);
    }
    run.pid = mine->pid;
    run.process = mine;
    run.process_ref = ref;
    join_roster();
}

// The generic forms of the atomics: clang's _n forms take no enumeration.
Attachment attachment_now() {
    Attachment now;
    __atomic_load(&run.attachment, &now, __ATOMIC_ACQUIRE);
    return now;
}

/// Attaches, unless another thread has begun to: then Attachment::attaching.
Attachment attach() {
    const SignalsBlocked blocked;
    Attachment seen = Attachment::none;
    Attachment wanted = Attachment::attaching;
    if (!__atomic_compare_exchange(&run.attachment, &seen, &wanted, false, __ATOMIC_ACQUIRE,
                                   __ATOMIC_ACQUIRE)) {
        return seen;
    }
    std::string_view what;
    const int fault = run.arena.base != nullptr ? 0 : open_or_create_arena(&what);
    if (fault == 0) {
        adopt_arena_facts();
        claim_process();
    } else if (run.first_process || run.settings.verbose) {
        say_not_recording(what, fault);
    }
    seen = fault == 0 ? Attachment::attached : Attachment::off;
    __atomic_store(&run.attachment, &seen, __ATOMIC_RELEASE);
    return seen;
}

/// One thread attaches; others wait for it for a while, and then do without.
bool wait_for_attachment() {
    for (int i = 0; i < 100'000; ++i) {
        if (attachment_now() != Attachment::attaching) {
            break;
        }
        system_call(SYS_sched_yield);
    }
    return attachment_now() == Attachment::attached;
}

} // namespace

record::Process *make_process(std::int32_t pid, record::Ref *ref) {
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    *ref = record::take_room(run.arena, sizeof(record::Process));
    auto *made = record::resolve<record::Process>(run.arena, *ref);
    if (made != nullptr) {
        made->ordinal = __atomic_add_fetch(&header->process_count, 1, __ATOMIC_RELAXED);
        made->pid = pid;
        made->attached_ticks = now_ticks();
        made->state = record::ProcessState::running;
        made->status = -1;
    }
    return made;
}

void show_process(record::Process *process, record::Ref ref) {
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    const auto chain =
        static_cast<std::size_t>(static_cast<std::uint32_t>(process->pid)) % record::process_chains;
    record::push(&header->process_heads[chain], process, ref);
}

record::Process *find_process(std::int32_t pid, record::Ref *ref) {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const std::size_t chain =
        static_cast<std::size_t>(static_cast<std::uint32_t>(pid)) % record::process_chains;
    record::Ref at = __atomic_load_n(&header->process_heads[chain], __ATOMIC_ACQUIRE);
    for (unsigned step = 0; step < record::max_chain_steps; ++step) {
        auto *process = record::resolve<record::Process>(run.arena, at);
        if (process == nullptr) {
            return nullptr;
        }
        if (process->pid == pid && (run.pid_namespace == 0 || process->pid_namespace == run.pid_namespace)) {
            *ref = at;
            return process;
        }
        at = process->next;
    }
    return nullptr;
}

std::uint64_t ticks_for_ns(std::uint64_t ns) {
    if (run.clock == record::Clock::monotonic || run.started.monotonic_ns == 0) {
        return ns;
    }
    const record::ClockReading now = record::read_clocks(run.clock);
    const std::uint64_t elapsed_ns = now.monotonic_ns - run.started.monotonic_ns;
    if (elapsed_ns < 1'000'000) {
        return ns; // too short to tell the rate; counters run at 1 GHz or more
    }
    const auto elapsed_ticks = static_cast<unsigned __int128>(now.ticks - run.started.ticks);
    return static_cast<std::uint64_t>(elapsed_ticks * ns / elapsed_ns);
}

void count_lost(std::uint64_t record::Lost::*what, std::uint64_t times) {
    if (run.arena.base != nullptr) {
        auto *header = reinterpret_cast<record::Header *>(run.arena.base);
        __atomic_fetch_add(&(header->lost.*what), times, __ATOMIC_RELAXED);
    }
}

Attachment open_existing_arena() {
    if (record::open_arena(run.identity, &run.arena) == 0) {
        adopt_arena_facts();
        run.began_ticks = now_ticks();
        claim_process();
        return Attachment::attached;
    }
    if (run.identity.first_pid == 0) {
        return Attachment::off; // `flockstat run` made one, and removed it: that run is over
    }
    run.clock = record::choose_clock();
    return Attachment::none;
}

bool attach_run() {
    Attachment seen = attachment_now();
    if (seen == Attachment::none) {
        seen = attach();
    }
    if (seen == Attachment::attaching) {
        return wait_for_attachment() && run.process != nullptr;
    }
    return seen == Attachment::attached && run.process != nullptr;
}

void forget_parent_run() {
    ++run.generation;
    __atomic_store_n(&flockstat_forks_under_way, 0U, __ATOMIC_RELEASE); // those were the parent's
    // Also where nobody saw the fork.
    run.first_epoch = __atomic_add_fetch(&flockstat_fork_epoch, 1U, __ATOMIC_RELAXED);
    if (run.fork_page != nullptr) {
        run.fork_page->generation = run.generation;
    }
    run.noted_epoch = 0;
    run.lender_pid = 0;
    run.process = nullptr;
    run.process_ref = 0;
    run.first_process = false;
    run.exit_status = -1;
    if (run.attachment !=
        Attachment::off) { // the arena, where there is one, stays mapped; the record is to be claimed
        run.attachment = Attachment::none;
    }
    find_free_numbers();
    if (run.arena.base != nullptr) {
        run.began_ticks = now_ticks();
        find_pid_namespace(); // unshare and setns put children elsewhere
        join_roster();
    }
}

} // namespace flockstat::shim
