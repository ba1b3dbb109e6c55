// wait_counter_pairs N: the cost of starting and stopping a wait counter of PyTorch's, through the dynamic
// backend where there is one, else through functions that do nothing. Prints nanoseconds of a pair. The times
// are made up: PyTorch reads its clock whether or not there is a backend. Locks a file once, so that a run is
// left.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

struct backend {
    void *self;
    intptr_t (*start)(void *self, int64_t now_us);
    void (*stop)(void *self, int64_t now_us, intptr_t context);
    void (*destroy)(void *self);
};

static intptr_t start_nothing(void *self, int64_t now_us) { return (intptr_t)now_us + (self != NULL); }
static void stop_nothing(void *self, int64_t now_us, intptr_t context) {
    (void)self;
    (void)now_us;
    (void)context;
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
    long pairs = argc > 1 ? atol(argv[1]) : 1000000;
    int fd = open(argc > 2 ? argv[2] : "/dev/null", O_RDWR | O_CREAT, 0600);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return 1;
    struct backend backend = {NULL, start_nothing, stop_nothing, NULL};
    void (*init)(struct backend *, const char *, size_t) =
        (void (*)(struct backend *, const char *, size_t))dlsym(
            RTLD_DEFAULT, "c10_monitor_wait_counter_dynamic_backend_init_v1");
    if (init != NULL)
        init(&backend, "bench.key", sizeof "bench.key" - 1);
    long long before = now_ns();
    for (int64_t i = 0; i < pairs; ++i) {
        intptr_t context = backend.start(backend.self, 1000000000 + i);
        backend.stop(backend.self, 1000000000 + i + (i & 63), context);
    }
    printf("%lld\n", (now_ns() - before) / pairs);
    return 0;
}
