#include "shim/wait_mark.h"

#include "shim/bookkeeping.h"
#include "shim/open_file.h"
#include "shim/thread_state.h"

#include <cerrno>

namespace flockstat::shim {

thread_local constinit FrameMark blocked_frame{};

namespace {

thread_local constinit Operation blocked_operation{};

/// The thread's wait is shown in its process's record.
thread_local constinit bool shown_as_first = false;

/// Where the thread can show that it waits; null: nowhere. A thread without a block shows its wait in the
/// process's record, while no other one does.
record::Waiting *take_slot() {
    const ThreadState *thread = existing_thread_state();
    if (thread != nullptr && thread->block != nullptr && thread->generation == run.generation) {
        return &thread->block->waiting;
    }
    // A child of fork that does not know it yet has its parent's record.
    if (run.process == nullptr || run.fork_page == nullptr || run.fork_page->generation != run.generation) {
        return nullptr;
    }
    std::uint64_t nobody = 0;
    if (!__atomic_compare_exchange_n(&run.process->first_wait.since_ticks, &nobody, UINT64_MAX, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return nullptr;
    }
    shown_as_first = true;
    return &run.process->first_wait;
}

[[nodiscard]] bool is_first(const record::Waiting *slot) {
    return shown_as_first && slot == &run.process->first_wait;
}

void show_wait(const Operation &operation, WaitMark *mark) {
    mark->slot = take_slot();
    if (mark->slot == nullptr) {
        return;
    }
    const bool first = is_first(mark->slot);
    if (!first) {
        mark->before = *mark->slot;
    }
    record::Waiting now{};
    now.return_address = operation.site.return_address;
    now.range_start = operation.range.start;
    now.range_end = operation.range.end;
    now.family = operation.family;
    now.mode = operation.mode;
    if (const OpenFile *open_file = peek_descriptor(operation.descriptor); open_file != nullptr) {
        now.lock = open_file->file->locks[static_cast<unsigned>(operation.family)];
        if (auto *lock = record::resolve<record::Lock>(run.arena, now.lock); lock != nullptr) {
            __atomic_store_n(&lock->waited_ticks, operation.wait_ticks, __ATOMIC_RELAXED);
        }
    }
    now.since_ticks = first ? UINT64_MAX : 0; // not shown before all is there
    *mark->slot = now;
    __atomic_store_n(&mark->slot->since_ticks, operation.wait_ticks, __ATOMIC_RELEASE);
}

/// A call is in progress already, below on the stack; or one was left, and nothing was counted since.
[[gnu::cold, gnu::noinline]] void note_outer(const FrameMark &frame, WaitMark *mark) {
    if (!was_left(blocked_frame, frame.address)) {
        mark->outer_frame = blocked_frame;
        mark->outer = blocked_operation;
    } else if (ThreadState *thread = thread_state(); thread != nullptr) {
        queue_left_call(*thread);
        if (thread->queue.half_full()) { // a program may leave one call after the other, and finish none
            apply_queued(*thread);
        }
    } else {
        count_lost(&record::Lost::calls);
    }
}

} // namespace

void begin_wait(const Operation &operation, const FrameMark &frame, WaitMark *mark) {
    if (blocked_frame.is_placed()) [[unlikely]] {
        note_outer(frame, mark);
    }
    blocked_frame.remove();
    blocked_operation = operation;
    blocked_frame.place(frame);
    if (operation.waited) {
        show_wait(operation, mark);
    }
}

void end_wait(const WaitMark &mark) {
    blocked_frame.remove();
    if (mark.outer_frame.is_placed()) [[unlikely]] {
        blocked_operation = mark.outer;
        blocked_frame.place(mark.outer_frame);
    }
    if (mark.slot == nullptr) {
        return;
    }
    const bool first = is_first(mark.slot);
    __atomic_store_n(&mark.slot->since_ticks, std::uint64_t{0}, __ATOMIC_RELEASE);
    if (first) {
        shown_as_first = false;
    } else {
        *mark.slot = mark.before;
    }
}

void queue_left_call(ThreadState &thread) {
    Operation left = blocked_operation;
    blocked_frame.remove();
    left.deed = Deed::attempt;
    left.error = EINTR;
    left.outcome = Outcome::interrupted;
    left.end_ticks = left.wait_ticks;
    left.waited = false;
    thread.queue.push(left);
    if (shown_as_first) {
        shown_as_first = false;
        __atomic_store_n(&run.process->first_wait.since_ticks, std::uint64_t{0}, __ATOMIC_RELEASE);
    } else if (thread.block != nullptr && thread.generation == run.generation) {
        __atomic_store_n(&thread.block->waiting.since_ticks, std::uint64_t{0}, __ATOMIC_RELEASE);
    }
}

} // namespace flockstat::shim
