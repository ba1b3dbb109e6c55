#include "shim/real.h"

#include "shim/real_offset.h"

#include <stddef.h>
#include <sys/syscall.h>

_Static_assert(offsetof(struct flockstat_real, syscall) == FLOCKSTAT_REAL_SYSCALL, "syscall_entry.S");

struct flockstat_real flockstat_real;

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static int close_range_by_system_call(unsigned first, unsigned last, int flags) {
    return (int)flockstat_real.syscall(SYS_close_range, first, last, flags);
}

static void closefrom_by_system_call(int first) {
    flockstat_real.syscall(SYS_close_range, first < 0 ? 0U : (unsigned)first, ~0U, 0);
}

static int pidfd_getfd_by_system_call(int process, int descriptor, unsigned flags) {
    return (int)flockstat_real.syscall(SYS_pidfd_getfd, process, descriptor, flags);
}

static int execveat_by_system_call(int directory, const char *path, char *const arguments[],
                                   char *const environment[], int flags) {
    return (int)flockstat_real.syscall(SYS_execveat, directory, path, arguments, environment, flags);
}

/* dlsym takes the loader's lock, so this runs in a constructor, when the program is still alone. What an
 * older libc does not have gets what it would do: because we export it, a program that looks for it finds it.
 */
void flockstat_find_real(void) {
    struct flockstat_real found;
#define FLOCKSTAT_FIND(name) *(void **)&found.name = dlsym(RTLD_NEXT, #name);
    FLOCKSTAT_REAL_FUNCTIONS(FLOCKSTAT_FIND)
#undef FLOCKSTAT_FIND
    if (found.fcntl64 == NULL) { /* glibc 2.28 */
        *(void **)&found.fcntl64 = *(void **)&found.fcntl;
    }
    if (found.close_range == NULL) { /* glibc 2.34, as closefrom */
        found.close_range = close_range_by_system_call;
    }
    if (found.closefrom == NULL) {
        found.closefrom = closefrom_by_system_call;
    }
    if (found.execveat == NULL) { /* glibc 2.34 */
        found.execveat = execveat_by_system_call;
    }
    if (found.pidfd_getfd == NULL) { /* glibc 2.36 */
        found.pidfd_getfd = pidfd_getfd_by_system_call;
    }
    flockstat_real = found;
}
