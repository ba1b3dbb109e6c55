// fork_race PATH LOCKERS FORKERS MILLISECONDS: for so long LOCKERS threads open a file of their own (PATH.N),
// lock it with flock, release it by unlocking or by closing, and close it, while FORKERS threads fork
// children that end at once. Prints how often each file was locked, and how often it was released by an
// unlock: "PATH.N LOCKED UNLOCKED".
#include <pthread.h>
#include <sys/wait.h>

#include "tell.h"

enum { most = 64 };
static const char *path;
static long long end;
static long locked[most], unlocked[most];

static void own_path(char *own, size_t bytes, long number) { snprintf(own, bytes, "%s.%ld", path, number); }

static void *lock_own(void *argument) {
    const long number = (long)argument;
    char own[4096];
    own_path(own, sizeof own, number);
    while (now_ns() < end) {
        const int fd = open_file(own);
        must(flock(fd, LOCK_EX) == 0, "lock");
        if (++locked[number] % 2 == 0) {
            must(flock(fd, LOCK_UN) == 0, "unlock");
            ++unlocked[number];
        }
        close(fd);
    }
    return NULL;
}

static void *fork_children(void *unused) {
    (void)unused;
    while (now_ns() < end) {
        const pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 91;
    path = argv[1];
    const long lockers = atol(argv[2]), all = lockers + atol(argv[3]);
    must(all <= most, "too many");
    end = now_ns() + atoll(argv[4]) * 1000000;
    pthread_t threads[most];
    for (long i = 0; i < all; ++i)
        must(pthread_create(&threads[i], NULL, i < lockers ? lock_own : fork_children, (void *)i) == 0,
             "thread");
    for (long i = 0; i < all; ++i)
        must(pthread_join(threads[i], NULL) == 0, "join");
    for (long i = 0; i < lockers; ++i) {
        char own[4096];
        own_path(own, sizeof own, i);
        printf("%s %ld %ld\n", own, locked[i], unlocked[i]);
    }
    return 0;
}
