#include "shim/child.h"

#include "shim/bookkeeping.h"
#include "shim/fork_epoch.h"
#include "shim/handover.h"
#include "shim/lent_memory.h"
#include "shim/process_regions.h"
#include "shim/watched_call.h"

#include <pthread.h>

namespace flockstat::shim {
namespace {

thread_local constinit bool in_daemon = false;

/// The calling thread's state, made only where there is something to do with it.
ThreadState *state_if_any() {
    ThreadState *thread = existing_thread_state();
    return thread == nullptr && (anything_handed() || holds_anything()) ? thread_state() : thread;
}

/// In the process that is about to fork.
void begin_fork() {
    begin_making_child();
    ThreadState *thread = passing() || is_borrower() ? nullptr : state_if_any();
    if (thread != nullptr) {
        inside_bookkeeping(*thread, [](ThreadState &mine) {
            notice_fork();
            if (anything_handed()) {
                adopt_handovers(mine);
            }
            share_with_child();
        });
    }
}

/// The parent of a daemon ends now, and leaves all to its child.
void succeed_parent(ThreadState &thread) {
    if (record::Process *parent = run.process; parent != nullptr) {
        parent->ended_ticks = now_ticks();
        parent->status = 0;
        parent->state = record::ProcessState::exited;
    }
    notice_fork();
    take_over_shared(thread);
}

/// In a child of fork, while it has one thread only: threads whose first calls come at once would notice it
/// all at once. A raw clone is noticed by the first call all the same. A handler that forks while its thread
/// is inside the bookkeeping leaves it to the next call, too: the frame that it interrupted goes on in the
/// child.
void begin_child() {
    const bool is_daemon = in_daemon && !passing();
    if (ThreadState *thread = is_daemon ? state_if_any() : existing_thread_state(); thread != nullptr) {
        inside_bookkeeping(
            *thread, is_daemon ? succeed_parent : [](ThreadState &) { notice_fork(); });
    } else {
        notice_fork();
    }
}

} // namespace

void watch_forks() { pthread_atfork(begin_fork, end_making_child, begin_child); }

void begin_daemon() { in_daemon = true; }

void end_daemon() { in_daemon = false; }

} // namespace flockstat::shim
