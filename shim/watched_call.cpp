#include "shim/watched_call.h"

#include "reporter/record/system_call.h"
#include "shim/bookkeeping.h"
#include "shim/lent_memory.h"
#include "shim/quick_count.h"
#include "shim/unwind_memory.h"
#include "shim/vfork_child.h"
#include "shim/wait_mark.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

/// FLOCKSTAT_PROBE=off: a call that took this long is taken to have waited. Uncontended ones take a
/// microsecond or two.
constexpr std::uint64_t judged_wait_ns = 50'000;

/// What l_whence counts from; false where the kernel would not have taken it either.
bool range_base(int descriptor, int whence, std::int64_t *base) {
    struct stat64 facts {};
    switch (whence) {
    case SEEK_SET: *base = 0; return true;
    case SEEK_CUR: *base = system_call(SYS_lseek, descriptor, 0, SEEK_CUR); return *base >= 0;
    case SEEK_END:
        if (system_call(SYS_newfstatat, descriptor, address_of(""), address_of(&facts), AT_EMPTY_PATH) != 0) {
            return false;
        }
        *base = facts.st_size;
        return true;
    default: return false;
    }
}

/// Reads the caller's struct, after the kernel did: action, mode and range of F_SETLK and its kind.
void read_ranges(const flockstat_request &request, const LockCall &call, Operation *operation) {
    const auto *ranges = static_cast<const struct flock *>(request.pointer);
    operation->range_known = false;
    // Where the call failed the kernel may not have got as far as the struct (EBADF), or not have been able
    // to (EFAULT).
    const bool taken = operation->error == 0 || operation->outcome == Outcome::refused ||
                       operation->outcome == Outcome::interrupted ||
                       operation->outcome == Outcome::deadlocked;
    if (!taken && (!range_is_readable(reinterpret_cast<std::uintptr_t>(ranges), sizeof *ranges))) {
        return;
    }
    if (call.action == Action::range) {
        operation->deed = ranges->l_type == F_UNLCK ? Deed::unlock : Deed::attempt;
        operation->mode = ranges->l_type == F_RDLCK ? Mode::shared : Mode::exclusive;
    }
    std::int64_t base = 0;
    operation->range_known = range_base(request.descriptor, ranges->l_whence, &base) &&
                             decode_range(base, ranges->l_start, ranges->l_len, &operation->range);
}

bool is_lockf(const flockstat_request &request) {
    return request.entry == flockstat_entry_lockf || request.entry == flockstat_entry_lockf64;
}

/// Mode and bytes of a call that asks for a range of its file.
void read_request(const flockstat_request &request, const LockCall &call, Operation *operation) {
    if (call.action == Action::range) {
        read_ranges(request, call, operation);
    } else if (is_lockf(request)) {
        std::int64_t base = 0;
        operation->range_known = range_base(request.descriptor, SEEK_CUR, &base) &&
                                 decode_range(base, 0, request.length, &operation->range);
    }
}

/// Completes what is known only after the call.
void describe(const flockstat_request &request, const LockCall &call, Operation *operation) {
    operation->family = call.family;
    operation->mode = call.mode;
    operation->descriptor = request.descriptor;
    operation->outcome = outcome_of(operation->error, call.family);
    operation->deed = call.action == Action::unlock ? Deed::unlock
                      : call.action == Action::test ? Deed::test
                                                    : Deed::attempt;
    read_request(request, call, operation);
    // lockf's F_TEST answers "somebody else's" with an error; as a test it succeeded.
    if (is_lockf(request) && operation->deed == Deed::test && operation->outcome == Outcome::refused) {
        operation->error = 0;
    }
}

/// Tells the bookkeeping of a call that is over.
void tell(const Operation &operation) {
    if (thread_slot.in_vfork != 0) [[unlikely]] {
        apply_for_parent(operation);
    } else {
        apply(operation);
    }
}

/// A blocking call that the thread may be cancelled in.
struct BlockingCall {
    const flockstat_request &request;
    const LockCall &call;
    Operation &operation;
    WaitMark mark;
};

/// The thread was cancelled in its blocking call, which so never returned: an attempt that was interrupted.
void cancelled(void *context) {
    auto *blocking = static_cast<BlockingCall *>(context);
    end_wait(blocking->mark);
    Operation &operation = blocking->operation;
    operation.error = EINTR;
    operation.end_ticks = now_ticks();
    describe(blocking->request, blocking->call, &operation);
    tell(operation);
}

/// The program's own call. Nothing slow before it: programs use one-shot alarms as time-outs, and a signal
/// that comes too early leaves them waiting for ever.
long issue_own(const flockstat_request &request, const LockCall &call, Operation *operation) {
    if (is_borrower()) [[unlikely]] { // what is known of this thread is the lender's
        return flockstat_issue(&request, request.command);
    }
    BlockingCall blocking{request, call, *operation, {}};
    begin_wait(*operation, FLOCKSTAT_FRAME_MARK(), &blocking.mark);
    const long result = flockstat_issue_blocking(&request, cancelled, &blocking);
    end_wait(blocking.mark);
    return result;
}

/// The probe found the lock taken, or an error.
long issue_refused(const flockstat_request &request, const LockCall &call, Operation *operation) {
    operation->waited = outcome_of(errno, call.family) == Outcome::refused;
    operation->wait_ticks = operation->end_ticks;
    if (operation->waited) {
        read_request(request, call, operation); // the kernel has just read it
    }
    return issue_own(request, call, operation);
}

/// A call that may block, without being asked to probe: whether it did is judged by its duration.
long issue_unprobed(const flockstat_request &request, const LockCall &call, Operation *operation) {
    operation->wait_ticks = operation->start_ticks;
    const long result = issue_own(request, call, operation);
    const std::uint64_t ticks = now_ticks() - operation->start_ticks;
    operation->waited = ticks > judged_wait_ns && ticks > ticks_for_ns(judged_wait_ns);
    return result;
}

} // namespace

long finish_call(const flockstat_request &request, const LockCall &call, const Issued &issued) {
    Operation operation;
    operation.site = issued.site;
    operation.family = call.family;
    operation.mode = call.mode;
    operation.descriptor = request.descriptor;
    operation.start_ticks = issued.start_ticks;
    operation.end_ticks = issued.end_ticks;
    long result = issued.result;
    if (result == -1 && call.may_block) {
        result =
            run.probe ? issue_refused(request, call, &operation) : issue_unprobed(request, call, &operation);
        operation.end_ticks = now_ticks();
    }
    operation.error = result == -1 ? errno : 0;
    describe(request, call, &operation);
    tell(operation);
    errno = operation.error != 0 ? operation.error : issued.saved_errno;
    return result;
}

long watched_call(const flockstat_request &request, const LockCall &call, const CallSite &site) {
    Issued issued{site, now_ticks(), 0, -1, errno};
    if (!call.may_block || run.probe) {
        if (call.cancellation_point) {
            flockstat_test_cancel(); // the non-blocking form is no cancellation point
        }
        // First in the form that does not block. Only a grant is final: all else is the program's own call's
        // to answer.
        issued.result = flockstat_issue(&request, call.may_block ? call.nonblocking : request.command);
        issued.end_ticks = now_ticks();
    }
    return finish_call(request, call, issued);
}

} // namespace flockstat::shim
