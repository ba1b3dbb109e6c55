#include "shim/wait_mark.h"

#include "shim/open_file.h"
#include "shim/thread_state.h"

namespace flockstat::shim {

void begin_wait(const Operation &operation, WaitMark *mark) {
    const ThreadState *thread = existing_thread_state();
    if (thread == nullptr || thread->block == nullptr || thread->generation != run.generation) {
        return;
    }
    mark->slot = &thread->block->waiting;
    mark->before = *mark->slot;
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
    *mark->slot = now;
    __atomic_store_n(&mark->slot->since_ticks, operation.wait_ticks, __ATOMIC_RELEASE);
}

void end_wait(const WaitMark &mark) {
    if (mark.slot != nullptr) {
        __atomic_store_n(&mark.slot->since_ticks, std::uint64_t{0}, __ATOMIC_RELEASE);
        *mark.slot = mark.before;
    }
}

} // namespace flockstat::shim
