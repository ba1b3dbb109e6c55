/// The last moments of a process, of an image (exec), and of a thread.
#pragma once

#include "shim/thread_state.h"

namespace flockstat::shim {

/// The process is about to end: its regions do, its blocks are handed on, and the first process of a bare run
/// writes the summary. `status`: its exit status, 0 to 255. Calls that come later are
/// recorded still.
void end_process(int status);

/// The process is about to become another program. Undone by exec_failed().
void begin_exec();
void exec_failed();

/// A thread ends.
void end_thread(ThreadState *thread);

} // namespace flockstat::shim
