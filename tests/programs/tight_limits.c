// tight_limits PATH LIMIT: locks with no room left: LIMIT is nofile (no further descriptor), fsize (SIGXFSZ
// on any write), as (little address space), or nothing. Ends with 4 + the number of lock calls that failed.
#include <sys/resource.h>

#include "tell.h"

static void limit(__rlimit_resource_t what, rlim_t value) {
    struct rlimit both = {value, value};
    must(setrlimit(what, &both) == 0, "setrlimit");
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    int fd = open_file(argv[1]);
    if (strcmp(argv[2], "nofile") == 0)
        limit(RLIMIT_NOFILE, (rlim_t)fd + 1);
    if (strcmp(argv[2], "fsize") == 0)
        limit(RLIMIT_FSIZE, 0);
    if (strcmp(argv[2], "as") == 0)
        limit(RLIMIT_AS, 48 << 20);
    int failures = 0;
    for (int i = 0; i < 3; ++i)
        failures += (flock(fd, LOCK_EX) != 0) + (flock(fd, LOCK_UN) != 0);
    return 4 + failures;
}
