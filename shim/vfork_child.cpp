#include "shim/vfork_child.h"

#include "reporter/record/system_call.h"
#include "shim/bookkeeping.h"
#include "shim/co_holders.h"
#include "shim/open_file.h"

namespace flockstat::shim {
namespace {

/// Is the child's descriptor the open file description that the parent has as `parents`?
Answer is_of_parent(int descriptor, int parents) {
    const auto parent = static_cast<std::int32_t>(record::system_call(SYS_getppid));
    return is_same_description(descriptor, parent, parents);
}

/// The parent's thread can record without asking the kernel who it is: it would say that it is the child.
bool is_ready(const ThreadState *thread) {
    return thread != nullptr && !thread->inside.is_placed() && thread->block != nullptr &&
           thread->generation == run.generation;
}

} // namespace

void apply_for_parent(const Operation &operation) {
    Operation parents = operation;
    const Answer known =
        operation.family != Family::posix && is_ready(existing_thread_state()) &&
                identify(operation.descriptor, &parents.identity, &parents.unlinked)
            ? find_description(operation.descriptor, parents.identity, is_of_parent, &parents.descriptor)
            : Answer::no;
    if (known != Answer::yes) {
        count_lost(&record::Lost::calls);
        if (known == Answer::unknown) { // it may have changed what the parent holds by now
            miss_close(parents.descriptor);
        }
        return;
    }
    parents.identified = true; // the kernel would be asked for the child's descriptor of that number
    apply(parents);
}

} // namespace flockstat::shim
