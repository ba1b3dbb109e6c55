// errno_kept PATH: a call that succeeds leaves errno as it was, in a thread of its own and in main; prints
// what it found.
#include <pthread.h>
#include <sys/syscall.h>

#include "tell.h"

static const char *path;

static void *check(void *name) {
    errno = 77;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    struct flock range = range_of(F_WRLCK, 0, 10);
    struct flock test = range_of(F_RDLCK, 0, 0);
    int results = flock(fd, LOCK_EX) | flock(fd, LOCK_UN) | fcntl(fd, F_SETLKW, &range) |
                  fcntl(fd, F_GETLK, &test) | lockf(fd, F_ULOCK, 0) | fcntl(fd, F_OFD_SETLK, &range) |
                  (int)syscall(SYS_flock, fd, LOCK_SH);
    int copy = dup(fd);
    results |= close(copy) | close(fd);
    printf("%s: %d, errno %d\n", (const char *)name, results, errno);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    path = argv[1];
    check("main");
    pthread_t thread;
    must(pthread_create(&thread, NULL, check, "thread") == 0, "pthread_create");
    pthread_join(thread, NULL);
    return 0;
}
