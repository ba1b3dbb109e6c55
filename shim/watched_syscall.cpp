/// The lock and descriptor calls of syscall(3); syscall_entry.S passes all others on.
#include "shim/kept_files.h"
#include "shim/process_end.h"
#include "shim/real.h"
#include "shim/watched_call.h"
#include "shim/watched_descriptor.h"

#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

using namespace flockstat::shim;

namespace {

/// flock and the lock commands of fcntl; false for other calls.
bool is_lock_call(long number, long b, LockCall *call) {
    if (number == SYS_flock) {
        *call = decode_flock(static_cast<int>(b));
    } else if (number == SYS_fcntl) {
        *call = decode_fcntl(static_cast<int>(b));
    }
    // The raw call is no cancellation point.
    call->cancellation_point = false;
    return call->action != Action::none;
}

/// dup2 and dup3, which close what they replace.
bool is_dup_onto(long number) {
    return number == SYS_dup3 ||
#ifdef SYS_dup2
           number == SYS_dup2 ||
#endif
           false;
}

bool is_duplicate(long number, long b) {
    return number == SYS_dup || is_dup_onto(number) ||
           (number == SYS_fcntl && (b == F_DUPFD || b == F_DUPFD_CLOEXEC));
}

/// For WatchedCloses: the call closes no range.
constexpr int no_flags = -1;

} // namespace

extern "C" __attribute__((visibility("hidden"))) long flockstat_syscall(long number, long a, long b, long c,
                                                                        long d, long e, long f) {
    const CallSite site = FLOCKSTAT_CALL_SITE();
    const auto descriptor = static_cast<int>(a);
    LockCall call;
    if (is_lock_call(number, b, &call) && recording()) {
        const flockstat_request request{number == SYS_flock ? flockstat_entry_syscall_flock
                                                            : flockstat_entry_syscall_fcntl,
                                        descriptor, static_cast<int>(b), reinterpret_cast<void *>(c), 0};
        return watched_call(request, call, site);
    }
    if (number == SYS_exit_group) {
        end_process(descriptor & 0xFF);
    }
    const bool executes = number == SYS_execve || number == SYS_execveat;
    if (executes) {
        begin_exec();
    }
    const WatchedClose watched(number == SYS_close ? descriptor : -1, site);
    WatchedCloses closes(static_cast<unsigned>(a), static_cast<unsigned>(b),
                         number == SYS_close_range ? static_cast<int>(c) : no_flags, site);
    const WatchedDuplicate duplicate(descriptor, is_dup_onto(number) ? static_cast<int>(b) : -1, site);
    const long result = flockstat_next()->syscall(number, a, b, c, d, e, f);
    if (executes) {
        exec_failed();
    }
    watched.done();
    closes.done();
    if (is_duplicate(number, b)) {
        duplicate.done(static_cast<int>(result));
    }
    if (number == SYS_pidfd_getfd && result >= 0 && !passing()) {
        note_passed(static_cast<int>(result));
    }
    return result;
}
