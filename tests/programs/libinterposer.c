// A preload of somebody else's: counts the calls of flock that come through, says so at the end, and keeps
// the time of the last one in last_call_ns.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

long long last_call_ns = 0;

static int calls;
static int (*next)(int, int);

int flock(int fd, int operation) {
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "flock");
    ++calls;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    last_call_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    return next(fd, operation);
}

__attribute__((destructor)) static void say_calls(void) {
    if (getenv("SAY_CALLS") != NULL)
        fprintf(stderr, "%d calls came through\n", calls);
}
