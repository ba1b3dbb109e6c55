/// Shows the others that a thread waits, while it is in a blocking call.
#pragma once

#include "shim/operation.h"

namespace flockstat::shim {

/// What the thread waited for before: a signal handler may wait while its thread does.
struct WaitMark {
    record::Waiting *slot = nullptr; ///< null: the thread has no block yet
    record::Waiting before{};
};

/// The thread begins to wait for what the operation asks. Stands between the program's call and its blocking
/// system call, so it is a few loads and stores, and does without what is not known yet.
void begin_wait(const Operation &operation, WaitMark *mark);

/// It does not wait any more.
void end_wait(const WaitMark &mark);

} // namespace flockstat::shim
