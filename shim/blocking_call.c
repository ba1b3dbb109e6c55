#include "shim/blocking_call.h"

#include "shim/real.h"

#include <pthread.h>
#include <sys/syscall.h>

long flockstat_issue(const struct flockstat_request *request, int command) {
    const struct flockstat_real *real = flockstat_next();
    switch (request->entry) {
    case flockstat_entry_flock: return real->flock(request->descriptor, command);
    case flockstat_entry_fcntl: return real->fcntl(request->descriptor, command, request->pointer);
    case flockstat_entry_fcntl64: return real->fcntl64(request->descriptor, command, request->pointer);
    case flockstat_entry_lockf: return real->lockf(request->descriptor, command, request->length);
    case flockstat_entry_lockf64: return real->lockf64(request->descriptor, command, request->length);
    case flockstat_entry_syscall_flock: return real->syscall(SYS_flock, request->descriptor, command);
    case flockstat_entry_syscall_fcntl:
        return real->syscall(SYS_fcntl, request->descriptor, command, request->pointer);
    }
    return -1;
}

long flockstat_issue_blocking(const struct flockstat_request *request, void (*cancelled)(void *),
                              void *context) {
    long result;
    pthread_cleanup_push(cancelled, context);
    result = flockstat_issue(request, request->command);
    pthread_cleanup_pop(0);
    return result;
}

void flockstat_test_cancel(void) { pthread_testcancel(); }

int flockstat_close(int descriptor, void (*cancelled)(void *), void *context) {
    int result;
    pthread_cleanup_push(cancelled, context);
    result = flockstat_next()->close(descriptor);
    pthread_cleanup_pop(0);
    return result;
}
