/// The lock functions of libc, as the program calls them. Wrappers only: decode, call, return.
#include "shim/export.h"
#include "shim/quick_lock_calls.h"
#include "shim/real.h"
#include "shim/watched_descriptor.h"

#include <cstdarg>

using namespace flockstat::shim;

namespace {

/// Any flock call, and before anything is known of the thread.
[[gnu::noinline]] int other_flock(int descriptor, int operation, const CallSite &site) {
    const LockCall call = decode_flock(operation);
    if (call.action == Action::none || !recording()) {
        return flockstat_next()->flock(descriptor, operation);
    }
    const flockstat_request request{flockstat_entry_flock, descriptor, operation, nullptr, 0};
    return static_cast<int>(watched_call(request, call, site));
}

/// Locks, duplicates, and all the rest of fcntl.
[[gnu::noinline]] int other_fcntl(flockstat_entry entry, int descriptor, int command, void *argument,
                                  const CallSite &site) {
    const LockCall call = decode_fcntl(command);
    const flockstat_request request{entry, descriptor, command, argument, 0};
    if (call.action != Action::none && recording()) {
        return static_cast<int>(watched_call(request, call, site));
    }
    const int result = static_cast<int>(flockstat_issue(&request, command));
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        note_duplicate(descriptor, result, site);
    }
    return result;
}

[[gnu::noinline]] int other_lockf(flockstat_entry entry, int descriptor, int function, long length,
                                  const CallSite &site) {
    const flockstat_request request{entry, descriptor, function, nullptr, length};
    if (!recording()) {
        return static_cast<int>(flockstat_issue(&request, function));
    }
    return static_cast<int>(watched_call(request, decode_lockf(function), site));
}

/// What quick_call issues.
template<flockstat_entry entry>
[[gnu::always_inline]] inline int issue_fcntl(int descriptor, int command, void *argument) {
    return entry == flockstat_entry_fcntl ? flockstat_real.fcntl(descriptor, command, argument)
                                          : flockstat_real.fcntl64(descriptor, command, argument);
}

template<flockstat_entry entry>
[[gnu::always_inline]] inline int watched_fcntl(int descriptor, int command, void *argument,
                                                const CallSite site) {
    ThreadState *thread = quick_thread();
    const flockstat_request request{entry, descriptor, command, argument, 0};
    const auto issue = [&](int with) { return issue_fcntl<entry>(descriptor, with, argument); };
    if (thread != nullptr && PosixCalls::is_plain(command)) {
        return quick_call<PosixCalls>(*thread, request, site, issue);
    }
    if (thread != nullptr && OfdCalls::is_plain(command)) {
        return quick_call<OfdCalls>(*thread, request, site, issue);
    }
    return other_fcntl(entry, descriptor, command, argument, site);
}

template<flockstat_entry entry>
[[gnu::always_inline]] inline int watched_lockf(int descriptor, int function, long length,
                                                const CallSite site) {
    ThreadState *thread = quick_thread();
    if (thread == nullptr || !LockfCalls::is_plain(function)) {
        return other_lockf(entry, descriptor, function, length, site);
    }
    const flockstat_request request{entry, descriptor, function, nullptr, length};
    return quick_call<LockfCalls>(*thread, request, site, [&](int with) {
        return entry == flockstat_entry_lockf ? flockstat_real.lockf(descriptor, with, length)
                                              : flockstat_real.lockf64(descriptor, with, length);
    });
}

/// The third argument of fcntl is an int, a pointer or missing; read as a pointer it has all bits.
[[gnu::always_inline]] inline void *third_argument(va_list arguments) { return va_arg(arguments, void *); }

} // namespace

FLOCKSTAT_EXPORT int flock(int descriptor, int operation) noexcept {
    ThreadState *thread = quick_thread();
    if (thread == nullptr || !FlockCalls::is_plain(operation)) {
        return other_flock(descriptor, operation, FLOCKSTAT_CALL_SITE());
    }
    const flockstat_request request{flockstat_entry_flock, descriptor, operation, nullptr, 0};
    return quick_call<FlockCalls>(*thread, request, FLOCKSTAT_CALL_SITE(),
                                  [&](int with) { return flockstat_real.flock(descriptor, with); });
}

FLOCKSTAT_EXPORT int fcntl(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = third_argument(arguments);
    va_end(arguments);
    return watched_fcntl<flockstat_entry_fcntl>(descriptor, command, argument, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int fcntl64(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = third_argument(arguments);
    va_end(arguments);
    return watched_fcntl<flockstat_entry_fcntl64>(descriptor, command, argument, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int lockf(int descriptor, int function, off_t length) {
    return watched_lockf<flockstat_entry_lockf>(descriptor, function, length, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int lockf64(int descriptor, int function, off64_t length) {
    return watched_lockf<flockstat_entry_lockf64>(descriptor, function, length, FLOCKSTAT_CALL_SITE());
}
