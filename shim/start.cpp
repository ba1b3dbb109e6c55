/// The constructor and the destructor of the preloaded object.
#include "shim/module_map.h"
#include "shim/process_end.h"
#include "shim/real.h"
#include "shim/run.h"
#include "shim/spin_lock.h"
#include "shim/unwind.h"

#include <cstdlib>

namespace flockstat::shim {
namespace {

/// on_exit, and not the destructor, is told the status. It keeps it; the destructor comes last.
void keep_status(int status, void *) { run.exit_status = status & 0xFF; }

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
    on_exit(keep_status, nullptr);
}

__attribute__((destructor)) void finish() { end_process(-1); }

} // namespace
} // namespace flockstat::shim
