#include "shim/bookkeeping.h"

#include "reporter/record/system_call.h"
#include "shim/attempt.h"
#include "shim/doubtful_close.h"
#include "shim/handover.h"
#include "shim/kept_files.h"
#include "shim/lent_memory.h"
#include "shim/mapped_file.h"
#include "shim/ownership.h"
#include "shim/proc_path.h"
#include "shim/process_regions.h"
#include "shim/wait_mark.h"

namespace flockstat::shim {
namespace {

/// False where a live frame of this thread is inside already. `here`: what the caller's frame, or its
/// caller's of ours, is compared with.
bool enter(ThreadState &thread, const FrameMark &frame, std::uintptr_t here) {
    if (thread.inside.is_placed()) [[unlikely]] {
        if (!was_left(thread.inside, here)) {
            return false;
        }
        thread.inside.remove();
        thread.left_inside = true;
        count_lost(&record::Lost::calls); // what it was to count may be counted in part
    }
    thread.inside.place(frame);
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
    thread.inside.remove();
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
    if (of_mapped != nullptr &&
        has_mapping(ProcPath().add(own_folder()).add("/maps").c_str(), dropped.mapped)) {
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

/// Did siglongjmp leave the thread's last blocking call, or this bookkeeping? The call is counted first, and
/// regions that were about to begin or to end are shown no more.
void mend_what_was_left(ThreadState &thread) {
    if (thread.left_inside) [[unlikely]] {
        thread.left_inside = false;
        if (thread.block != nullptr && thread.generation == run.generation && is_same_process()) {
            free_orphan_slots(thread);
        }
    }
    if (blocked_frame.is_placed() && was_left(blocked_frame, thread.inside.address)) [[unlikely]] {
        queue_left_call(thread);
        perform_queued(thread);
    }
}

} // namespace

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
    const FrameMark frame = FLOCKSTAT_FRAME_MARK();
    // A frame that was left may lie between the program's and this one.
    const std::uintptr_t outer = operation.site.stack_pointer;
    if (!enter(*thread, frame, outer != 0 ? outer : frame.address)) {
        queue(*thread, operation);
        return {};
    }
    notice_fork();
    mend_what_was_left(*thread);
    const Released released = perform(*thread, operation);
    finish(*thread);
    return released;
}

bool inside_bookkeeping(ThreadState &thread, void (*deed)(ThreadState &)) {
    const FrameMark frame = FLOCKSTAT_FRAME_MARK();
    if (is_borrower() || !enter(thread, frame, frame.address)) {
        return false;
    }
    mend_what_was_left(thread);
    deed(thread);
    finish(thread);
    return true;
}

void apply_queued(ThreadState &thread) {
    inside_bookkeeping(thread, [](ThreadState &) {});
}

bool is_same_process() {
    if (run.fork_page != nullptr) {
        return run.fork_page->generation != 0;
    }
    // A kernel before 4.14: ask.
    return run.process == nullptr || run.pid == static_cast<std::int32_t>(record::system_call(SYS_getpid));
}

void notice_fork() {
    if (__builtin_expect(is_same_process(), 1)) {
        return;
    }
    blocked_frame.remove(); // the parent counts it
    forget_parent_run();
    become_child();
    reset_thread_states();
}

} // namespace flockstat::shim
