// early_and_late PATH: locks in a constructor, in main, in an atexit function and in a destructor, and a
// thread goes on locking while the process exits.
#include <pthread.h>

#include "tell.h"

static int fd = -1;

static void pair(const char *when) {
    if (fd >= 0)
        printf("%s: %d %d\n", when, flock(fd, LOCK_EX), flock(fd, LOCK_UN));
    fflush(stdout);
}

__attribute__((constructor(101))) static void early(int argc, char **argv) {
    if (argc == 2)
        fd = open_file(argv[1]);
    pair("constructor");
}

__attribute__((destructor(101))) static void late(void) { pair("destructor"); }

static void at_exit(void) { pair("atexit"); }

static void *forever(void *started) {
    int own = open("/proc/self/exe", O_RDONLY);
    for (long i = 0;; ++i) {
        flock(own, LOCK_SH);
        flock(own, LOCK_UN);
        if (i == 10)
            must(write(*(int *)started, "s", 1) == 1, "write");
    }
    return NULL;
}

int main(void) {
    atexit(at_exit);
    pair("main");
    int ends[2];
    must(pipe(ends) == 0, "pipe");
    pthread_t thread;
    must(pthread_create(&thread, NULL, forever, &ends[1]) == 0, "pthread_create");
    char c = 0;
    must(read(ends[0], &c, 1) == 1, "read");
    return 5;
}
