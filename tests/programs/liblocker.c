// A library that locks: lock_here(PATH) does one flock pair, and one when it is loaded and unloaded.
#include "tell.h"

int lock_here(const char *path);

int lock_here(const char *path) {
    int fd = open_file(path);
    int failed = flock(fd, LOCK_EX) | flock(fd, LOCK_UN);
    close(fd);
    return failed;
}

__attribute__((constructor)) static void loaded(void) {
    if (getenv("LOCK_AT_LOAD") != NULL)
        lock_here(getenv("LOCK_AT_LOAD"));
}

__attribute__((destructor)) static void unloaded(void) {
    if (getenv("LOCK_AT_LOAD") != NULL)
        lock_here(getenv("LOCK_AT_LOAD"));
}
