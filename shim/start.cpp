/// The constructor of the preloaded object.
#include "shim/bookkeeping.h"
#include "shim/module_map.h"
#include "shim/process_end.h"
#include "shim/real.h"
#include "shim/run.h"
#include "shim/spin_lock.h"
#include "shim/unwind.h"

#include <cstdlib>
#include <pthread.h>

namespace flockstat::shim {
namespace {

/// Registered in the constructor, before libc's start-up code registers the destructors of shared objects
/// (_dl_fini), so that exit() runs it after them all; and unlike a destructor it is told the exit status.
void last_of_all(int status, void *) { end_process(status & 0xFF); }

/// In a child of fork, while it has one thread only: threads whose first calls come at once would notice it
/// all at once. A raw clone is noticed by the first call all the same. A handler that forks while its thread
/// is inside the bookkeeping leaves it to the next call, too: the frame that it interrupted goes on in the
/// child.
void begin_child() {
    if (ThreadState *thread = existing_thread_state(); thread != nullptr) {
        inside_bookkeeping(*thread, [](ThreadState &) { notice_fork(); });
    } else {
        notice_fork();
    }
}

/// glibc hands main's arguments to constructors (elf/dl-init.c).
__attribute__((constructor)) void start(int argument_count, char **arguments, char **environment) {
    flockstat_find_real();
    find_single_threaded();
    watch_thread_ends(end_thread);
    start_run(argument_count, arguments, environment);
    if (run.attachment == Attachment::off) {
        return;
    }
    module_map_init();
    if (run.stacks) {
        unwind_init();
    }
    pthread_atfork(nullptr, nullptr, begin_child);
    on_exit(last_of_all, nullptr);
}

} // namespace
} // namespace flockstat::shim
