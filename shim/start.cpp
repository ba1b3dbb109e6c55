/// The constructor of the preloaded object.
#include "shim/bookkeeping.h"
#include "shim/child.h"
#include "shim/handover.h"
#include "shim/module_map.h"
#include "shim/origin.h"
#include "shim/process_end.h"
#include "shim/real.h"
#include "shim/run.h"
#include "shim/spin_lock.h"
#include "shim/unwind.h"

#include <cstdlib>

namespace flockstat::shim {
namespace {

/// Registered in the constructor, before libc's start-up code registers the destructors of shared objects
/// (_dl_fini), so that exit() runs it after them all; and unlike a destructor it is told the exit status.
void last_of_all(int status, void *) { end_process(status & 0xFF); }

/// What the program that this process was before has left to it, or somebody has handed to it.
void adopt_from_image_before() {
    if (anything_handed()) {
        if (ThreadState *thread = thread_state(); thread != nullptr) {
            inside_bookkeeping(*thread, adopt_handovers);
        }
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
    find_free_numbers();
    module_map_init();
    if (run.stacks) {
        unwind_init();
    }
    watch_forks();
    adopt_from_image_before();
    on_exit(last_of_all, nullptr);
}

} // namespace
} // namespace flockstat::shim
