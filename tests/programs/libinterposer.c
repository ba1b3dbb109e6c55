// A preload of somebody else's: counts the calls of flock that come through, and says so at the end.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int calls;
static int (*next)(int, int);

int flock(int fd, int operation) {
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "flock");
    ++calls;
    return next(fd, operation);
}

__attribute__((destructor)) static void say_calls(void) {
    if (getenv("SAY_CALLS") != NULL)
        fprintf(stderr, "%d calls came through\n", calls);
}
