/// The lock functions of libc, as the program calls them. Wrappers only: decode, call, return.
#include "shim/export.h"
#include "shim/real.h"
#include "shim/watched_call.h"
#include "shim/watched_descriptor.h"

#include <cstdarg>

using namespace flockstat::shim;

FLOCKSTAT_EXPORT int flock(int descriptor, int operation) noexcept {
    const LockCall call = decode_flock(operation);
    if (call.action == Action::none || passing()) {
        return flockstat_next()->flock(descriptor, operation);
    }
    const flockstat_request request{flockstat_entry_flock, descriptor, operation, nullptr, 0};
    return static_cast<int>(watched_call(request, call, FLOCKSTAT_CALL_SITE(), [&](int command) {
        return flockstat_real.flock(descriptor, command);
    }));
}

namespace {

/// Locks, duplicates, and all the rest of fcntl. Its third argument is an int, a pointer or missing; read as
/// a pointer it has all bits.
int watched_fcntl(flockstat_entry entry, int descriptor, int command, void *argument, const CallSite &site) {
    const LockCall call = decode_fcntl(command);
    const flockstat_request request{entry, descriptor, command, argument, 0};
    if (call.action != Action::none && !passing()) {
        return static_cast<int>(watched_call(request, call, site));
    }
    const int result = static_cast<int>(flockstat_issue(&request, command));
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        note_duplicate(descriptor, result, site);
    }
    return result;
}

int watched_lockf(flockstat_entry entry, int descriptor, int function, long length, const CallSite &site) {
    const flockstat_request request{entry, descriptor, function, nullptr, length};
    if (passing()) {
        return static_cast<int>(flockstat_issue(&request, function));
    }
    return static_cast<int>(watched_call(request, decode_lockf(function), site));
}

void *third_argument(va_list arguments) { return va_arg(arguments, void *); }

} // namespace

FLOCKSTAT_EXPORT int fcntl(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = third_argument(arguments);
    va_end(arguments);
    return watched_fcntl(flockstat_entry_fcntl, descriptor, command, argument, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int fcntl64(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = third_argument(arguments);
    va_end(arguments);
    return watched_fcntl(flockstat_entry_fcntl64, descriptor, command, argument, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int lockf(int descriptor, int function, off_t length) {
    return watched_lockf(flockstat_entry_lockf, descriptor, function, length, FLOCKSTAT_CALL_SITE());
}

FLOCKSTAT_EXPORT int lockf64(int descriptor, int function, off64_t length) {
    return watched_lockf(flockstat_entry_lockf64, descriptor, function, length, FLOCKSTAT_CALL_SITE());
}
