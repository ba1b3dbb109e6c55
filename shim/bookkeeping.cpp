#include "shim/bookkeeping.h"

#include "reporter/record/system_call.h"
#include "shim/attempt.h"
#include "shim/doubtful_close.h"
#include "shim/handover.h"
#include "shim/kept_files.h"
#include "shim/lent_memory.h"
#include "shim/mapped_file.h"
#include "shim/ownership.h"
#include "shim/process_regions.h"
#include "shim/wait_mark.h"

#include <csignal>

namespace flockstat::shim {
namespace {

/// False where a live frame of this thread is inside already.
bool enter(ThreadState &thread, std::uintptr_t here) {
    if (thread.inside != 0 && !is_abandoned(thread.inside, here)) {
        return false;
    }
    thread.inside = here;
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    return true;
}

/// Whether the thread's next ordinary call needs to come in here: not in a thread that has all it needs, and
/// polls for nothing.
void allow_quick_count(ThreadState &thread) {
    const bool ordinary = run.fork_page != nullptr && run.lender_pid == 0 && run.stacks && run.probe &&
                          thread.block != nullptr && thread.generation == run.generation &&
                          thread.open_episodes == 0;
    thread.fork_word = ordinary ? &run.fork_page->generation : &ThreadState::never_quick;
    thread.quick_generation = ordinary ? run.fork_page->generation : ThreadState::no_generation;
}

void leave(ThreadState &thread) {
    allow_quick_count(thread);
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    thread.inside = 0;
}

/// What closes took away ends where they began, but for what a mapping keeps: nobody sees the end of that.
/// `descriptor`: the one that is about to be closed, or -1.
Released end_closed(ThreadState &thread, const Dropped &dropped, int descriptor, std::uint64_t end_ticks) {
    Released released;
    end_dropped(thread, dropped.of_missed, -1, record::Release::unknown, dropped.known_until_ticks);
    HeldRegion *of_mapped = dropped.of_mapped;
    if (of_mapped != nullptr) {
        note_mapped_file(dropped.mapped); // children may have the mapping, too
    }
    if (of_mapped != nullptr && has_mapping("/proc/self/maps", dropped.mapped)) {
        end_dropped(thread, of_mapped, -1, record::Release::unknown, end_ticks);
        of_mapped = nullptr;
    }
    for (HeldRegion *list : {dropped.regions, of_mapped}) {
        if (list != nullptr) {
            released = {list->lock, list->family};
            end_dropped(thread, list, descriptor, record::Release::close, end_ticks);
        }
    }
    return released;
}

/// A close, about to happen: its regions end now, because the number may be another file's as soon as the
/// kernel closed it.
[[gnu::noinline]] Released perform_close(ThreadState &thread, const Operation &operation) {
    if (anything_handed()) {
        adopt_handovers(thread);
    }
    Dropped dropped;
    drop_descriptor(operation.descriptor, operation.identified ? &operation.identity : nullptr, &dropped);
    return end_closed(thread, dropped, operation.descriptor, operation.start_ticks);
}

/// A close is over, of descriptors of which not all were known.
[[gnu::noinline]] Released perform_recheck(ThreadState &thread, const Operation &operation) {
    Dropped dropped;
    drop_lost_posix(&dropped);
    return end_closed(thread, dropped, -1, operation.start_ticks);
}

[[gnu::noinline]] void perform_duplicate(ThreadState &thread, const Operation &operation) {
    if (anything_handed()) {
        adopt_handovers(thread);
    }
    Dropped dropped;
    duplicate_descriptor(operation.descriptor, operation.other, &dropped);
    Released released = end_closed(thread, dropped, -1, operation.start_ticks);
    if (released.lock == 0 && operation.replaces) {
        released = perform_recheck(thread, operation);
    }
    if (released.lock != 0) {
        count_releasing_close(thread, released.lock, released.family, operation);
    }
}

void perform_lock_call(ThreadState &thread, const Operation &operation) {
    Dropped dropped;
    OpenFile *open_file =
        operation.identified
            ? verify_descriptor(operation.descriptor, operation.end_ticks, &dropped, &operation.identity)
            : use_descriptor(operation.descriptor, operation.end_ticks, &dropped);
    for (HeldRegion *list : {dropped.regions, dropped.of_mapped}) {
        if (list != nullptr) [[unlikely]] {
            end_dropped(thread, list, -1, record::Release::unknown, dropped.known_until_ticks);
        }
    }
    if (dropped.found_inherited) [[unlikely]] {
        join_shared_regions(thread, *open_file, operation.descriptor);
    }
    if (open_file != nullptr && open_file->file->excluded) {
        return;
    }
    switch (operation.deed) {
    case Deed::attempt: count_attempt(thread, open_file, operation); break;
    case Deed::unlock: count_unlock(thread, open_file, operation); break;
    default: count_test(thread, open_file, operation); break;
    }
}

Released perform(ThreadState &thread, const Operation &operation) {
    if (!ensure_block(thread)) {
        return {};
    }
    if (thread.in_doubt != nullptr && operation.deed != Deed::close) [[unlikely]] {
        settle_doubts(thread);
    }
    switch (operation.deed) {
    case Deed::close: return perform_close(thread, operation);
    case Deed::closed: count_releasing_close(thread, operation.lock, operation.family, operation); break;
    case Deed::recheck: return perform_recheck(thread, operation);
    case Deed::duplicate: perform_duplicate(thread, operation); break;
    default: perform_lock_call(thread, operation); break;
    }
    return {};
}

[[gnu::cold, gnu::noinline]] void perform_queued(ThreadState &thread) {
    Operation queued;
    while (thread.queue.pop(&queued)) {
        perform(thread, queued);
    }
}

/// Applies what signal handlers queued meanwhile. One that comes after the last look applies itself, or is
/// seen by the next call.
void finish(ThreadState &thread) {
    if (!thread.queue.empty()) [[unlikely]] {
        perform_queued(thread);
    }
    leave(thread);
}

/// By the time that it is applied its descriptor may be closed, and be another file's.
[[gnu::cold, gnu::noinline]] void queue(ThreadState &thread, const Operation &operation) {
    Operation queued = operation;
    queued.identified =
        operation.descriptor >= 0 && identify(operation.descriptor, &queued.identity, &queued.unlinked);
    thread.queue.push(queued);
}

/// Was the thread's last blocking call left by siglongjmp? Then it is counted first.
void look_for_left_call(ThreadState &thread) {
    if (blocked_frame != 0 && is_abandoned(blocked_frame, thread.inside)) [[unlikely]] {
        queue_left_call(thread);
        perform_queued(thread);
    }
}

bool is_same_process() {
    if (run.fork_page != nullptr) {
        return run.fork_page->generation != 0;
    }
    // A kernel before 4.14: ask.
    return run.process == nullptr || run.pid == static_cast<std::int32_t>(record::system_call(SYS_getpid));
}

} // namespace

bool is_abandoned(std::uintptr_t frame, std::uintptr_t here) {
    stack_t alternate{};
    if (record::system_call(SYS_sigaltstack, 0, record::address_of(&alternate)) != 0) {
        return false;
    }
    const auto low = reinterpret_cast<std::uintptr_t>(alternate.ss_sp);
    const bool inside_alternate = frame >= low && frame < low + alternate.ss_size;
    if ((alternate.ss_flags & SS_ONSTACK) != 0) {
        return inside_alternate && here >= frame;
    }
    return inside_alternate || here >= frame;
}

Released apply(const Operation &operation) {
    if (is_borrower()) [[unlikely]] {
        note_borrowers(operation);
        return {};
    }
    ThreadState *thread = thread_state();
    if (thread == nullptr) {
        count_lost(&record::Lost::calls);
        return {};
    }
    if (!enter(*thread, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)))) {
        queue(*thread, operation);
        return {};
    }
    notice_fork();
    look_for_left_call(*thread);
    const Released released = perform(*thread, operation);
    finish(*thread);
    return released;
}

void inside_bookkeeping(ThreadState &thread, void (*deed)(ThreadState &)) {
    if (!is_borrower() && enter(thread, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)))) {
        look_for_left_call(thread);
        deed(thread);
        finish(thread);
    }
}

void apply_queued(ThreadState &thread) {
    inside_bookkeeping(thread, [](ThreadState &) {});
}

void notice_fork() {
    if (__builtin_expect(is_same_process(), 1)) {
        return;
    }
    blocked_frame = 0; // the parent counts it
    forget_parent_run();
    become_child();
    reset_thread_states();
}

} // namespace flockstat::shim
