/* Issuing the program's own lock call. In C, because a thread may be cancelled inside: the clean-up of C++
 * frames aborts the program where libgcc is linked statically and the system's unwinder runs it (tried). */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Which function the program called. */
enum flockstat_entry {
    flockstat_entry_flock,
    flockstat_entry_fcntl,
    flockstat_entry_fcntl64,
    flockstat_entry_lockf,
    flockstat_entry_lockf64,
    flockstat_entry_syscall_flock,
    flockstat_entry_syscall_fcntl,
};

struct flockstat_request {
    enum flockstat_entry entry;
    int descriptor;
    int command;   /* operation, command or function, as the program gave it */
    void *pointer; /* fcntl: the caller's struct flock, for the kernel to check */
    long length;   /* lockf */
};

/* Issues the call with `command` in place of the request's. Returns what libc returned; sets errno as libc
 * did. */
__attribute__((visibility("hidden"))) long flockstat_issue(const struct flockstat_request *request,
                                                           int command);

/* Issues the program's own call, which may block. Where the thread is cancelled in it, cancelled(context)
 * runs first. */
__attribute__((visibility("hidden"))) long flockstat_issue_blocking(const struct flockstat_request *request,
                                                                    void (*cancelled)(void *), void *context);

/* Acts on a pending cancellation, as the call that follows would have. */
__attribute__((visibility("hidden"))) void flockstat_test_cancel(void);

/* close(2), a cancellation point. */
__attribute__((visibility("hidden"))) int flockstat_close(int descriptor, void (*cancelled)(void *),
                                                          void *context);

#ifdef __cplusplus
}
#endif
