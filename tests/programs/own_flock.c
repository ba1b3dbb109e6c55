// build: -rdynamic
// own_flock HOW PATH: a program with a flock of its own, which goes on by syscall(), by libc's (dlsym
// RTLD_NEXT), or does nothing at all (none). Three pairs; prints how often its own was called.
#include <dlfcn.h>
#include <sys/syscall.h>

#include "tell.h"

static const char *how = "none";
static int calls;

int flock(int fd, int operation) {
    ++calls;
    if (strcmp(how, "syscall") == 0)
        return (int)syscall(SYS_flock, fd, operation);
    if (strcmp(how, "next") == 0) {
        int (*next)(int, int) = NULL;
        *(void **)&next = dlsym(RTLD_NEXT, "flock");
        return next(fd, operation);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    how = argv[1];
    int fd = open_file(argv[2]);
    for (int i = 0; i < 3; ++i)
        must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "pair");
    printf("%d\n", calls);
    return 0;
}
