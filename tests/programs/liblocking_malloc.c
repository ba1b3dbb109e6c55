// A preload of somebody else's: each allocation of the program takes and releases a lock on the file that
// LOCKING_MALLOC names.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

extern void *__libc_malloc(size_t size);

static __thread int inside;
static int fd = -1;

static void pair(void) {
    if (inside)
        return;
    inside = 1;
    if (fd < 0 && getenv("LOCKING_MALLOC") != NULL)
        fd = open(getenv("LOCKING_MALLOC"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && (flock(fd, LOCK_EX) != 0 || flock(fd, LOCK_UN) != 0))
        abort();
    inside = 0;
}

void *malloc(size_t size) {
    pair();
    return __libc_malloc(size);
}
