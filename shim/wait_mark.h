/// What a thread waits for, while it is in a blocking call: for the others to see, and for the thread itself,
/// because a signal handler may leave the call by siglongjmp.
#pragma once

#include "shim/frame_mark.h"
#include "shim/operation.h"

namespace flockstat::shim {

/// The frame that is in the thread's blocking call. It may have been left.
extern thread_local constinit FrameMark blocked_frame;

/// What the thread was blocked in before: a signal handler may lock while its thread waits.
struct WaitMark {
    record::Waiting *slot = nullptr; ///< null: not shown, or the thread has no block yet
    record::Waiting before{};
    FrameMark outer_frame;
    Operation outer;
};

/// The thread makes a blocking call, in `frame`, for what the operation asks; `waited` in it: it is known to
/// wait. Stands between the program's call and its blocking system call, so
/// it is a few loads and stores, and does without what is not known yet.
void begin_wait(const Operation &operation, const FrameMark &frame, WaitMark *mark);

/// The call returned, or the thread was cancelled in it.
void end_wait(const WaitMark &mark);

/// The thread's blocking call was left and will not return: queues it for the bookkeeping as an attempt that
/// was interrupted. It counts to when it began to wait: when it was left nobody knows.
[[gnu::cold]] void queue_left_call(ThreadState &thread);

} // namespace flockstat::shim
