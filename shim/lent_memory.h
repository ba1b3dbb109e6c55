/// Processes that run in another one's memory at the same time as that one, with descriptors of their own:
/// clone with CLONE_VM, but without CLONE_FILES, and without CLONE_VFORK or past libc. All that is known here
/// is the lender's, so what borrowers do is not recorded. Any context; errno untouched.
#pragma once

#include "reporter/record/system_call.h"
#include "shim/operation.h"
#include "shim/run.h"

/// In syscall(3), before a clone, clone3 or fork whose first argument is `argument`.
extern "C" __attribute__((visibility("hidden"))) void flockstat_before_clone(long number, long argument);

namespace flockstat::shim {

/// A clone with these flags is about to be made.
void before_clone(std::uint64_t flags);

/// Is this a borrower? A load in programs that lend nothing. (A child by fork of either has memory of its
/// own.)
[[nodiscard]] inline bool is_borrower() {
    return run.lender_pid != 0 && (run.fork_page == nullptr || run.fork_page->generation != 0) &&
           run.lender_pid != record::system_call(SYS_getpid);
}

/// A borrower's operation is over: counts a lock call as lost, and has the lender know that it may have
/// changed what open files hold that both have.
void note_borrowers(const Operation &operation);

} // namespace flockstat::shim
