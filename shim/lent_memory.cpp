#include "shim/lent_memory.h"

#include "shim/open_file.h"
#include "shim/thread_state.h"
#include "shim/unwind_memory.h"

#include <sched.h>

namespace flockstat::shim {

void before_clone(std::uint64_t flags) {
    if ((flags & (CLONE_VM | CLONE_FILES)) != CLONE_VM || is_borrower()) {
        return;
    }
    run.lender_pid = static_cast<std::int32_t>(record::system_call(SYS_getpid));
    // Its calls may come through the thread-local data of the thread that makes it.
    for (ThreadState *thread = all_thread_states(); thread != nullptr; thread = thread->next_all) {
        thread->fork_word = &ThreadState::never_quick;
        thread->quick_generation = ThreadState::no_generation;
    }
}

void note_borrowers(const Operation &operation) {
    const bool locks = operation.deed == Deed::attempt || operation.deed == Deed::unlock;
    if (locks || operation.deed == Deed::test) {
        count_lost(&record::Lost::calls);
    }
    FileIdentity identity;
    bool unlinked = false;
    if (locks && operation.family != Family::posix && identify(operation.descriptor, &identity, &unlinked)) {
        miss_closes_of(identity);
    }
}

} // namespace flockstat::shim

void flockstat_before_clone(long number, long argument) {
    using namespace flockstat::shim;
    if (number == SYS_clone) {
        before_clone(static_cast<std::uint64_t>(argument));
    } else if (number == SYS_clone3) { // the first member of struct clone_args
        const auto address = static_cast<std::uintptr_t>(argument);
        if (range_is_readable(address, sizeof(std::uint64_t))) {
            before_clone(*reinterpret_cast<const std::uint64_t *>(address));
        }
    }
}
