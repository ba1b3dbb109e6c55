/* The next definitions of the interposed functions (RTLD_NEXT), so that other preloads still work. Shared by
 * C and C++. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As <sys/pidfd.h> says, which is only there since glibc 2.36, and without extern "C" in that version. */
int pidfd_getfd(int process, int descriptor, unsigned flags) __THROW;

/* As <unistd.h> says since glibc 2.34. */
int execveat(int directory, const char *path, char *const arguments[], char *const environment[],
             int flags) __THROW;

/* One line a function: its name, which its type is taken from. */
#define FLOCKSTAT_REAL_FUNCTIONS(ENTRY) \
    ENTRY(flock)                        \
    ENTRY(fcntl)                        \
    ENTRY(fcntl64)                      \
    ENTRY(lockf)                        \
    ENTRY(lockf64)                      \
    ENTRY(syscall)                      \
    ENTRY(close)                        \
    ENTRY(close_range)                  \
    ENTRY(closefrom)                    \
    ENTRY(dup)                          \
    ENTRY(dup2)                         \
    ENTRY(dup3)                         \
    ENTRY(fclose)                       \
    ENTRY(freopen)                      \
    ENTRY(freopen64)                    \
    ENTRY(pclose)                       \
    ENTRY(closedir)                     \
    ENTRY(endmntent)                    \
    ENTRY(mmap)                         \
    ENTRY(mmap64)                       \
    ENTRY(dlclose)                      \
    ENTRY(sendmsg)                      \
    ENTRY(sendmmsg)                     \
    ENTRY(recvmsg)                      \
    ENTRY(recvmmsg)                     \
    ENTRY(pidfd_getfd)                  \
    ENTRY(_exit)                        \
    ENTRY(_Exit)                        \
    ENTRY(quick_exit)                   \
    ENTRY(execve)                       \
    ENTRY(execv)                        \
    ENTRY(execvp)                       \
    ENTRY(execvpe)                      \
    ENTRY(fexecve)                      \
    ENTRY(execveat)                     \
    ENTRY(posix_spawn)                  \
    ENTRY(posix_spawnp)                 \
    ENTRY(system)                       \
    ENTRY(popen)                        \
    ENTRY(daemon)                       \
    ENTRY(clone)

#define FLOCKSTAT_REAL_POINTER(name) __typeof__(name) *name;
struct flockstat_real {
    FLOCKSTAT_REAL_FUNCTIONS(FLOCKSTAT_REAL_POINTER)
};
#undef FLOCKSTAT_REAL_POINTER

/* Filled by flockstat_find_real, in our constructor, or earlier where a constructor that runs before ours
 * already calls one of them. Read-only afterwards. */
extern struct flockstat_real flockstat_real __attribute__((visibility("hidden")));

__attribute__((visibility("hidden"))) void flockstat_find_real(void);

/* The real functions, looked up when the program is so early that nobody did. */
static inline const struct flockstat_real *flockstat_next(void) {
    if (__builtin_expect(flockstat_real.flock == 0, 0)) {
        flockstat_find_real();
    }
    return &flockstat_real;
}

#ifdef __cplusplus
}
#endif
