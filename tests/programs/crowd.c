// crowd PATH PROCESSES THREADS PAIRS: as many processes, each with as many threads, each doing flock pairs on
// a descriptor of its own.
#include <pthread.h>
#include <sys/wait.h>

#include "tell.h"

static const char *path;
static long pairs;

static void *work(void *unused) {
    (void)unused;
    int fd = open_file(path);
    for (long i = 0; i < pairs; ++i)
        must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "lock");
    close(fd);
    return NULL;
}

static void run_threads(long count) {
    pthread_t threads[64];
    for (long i = 0; i < count; ++i)
        must(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create");
    for (long i = 0; i < count; ++i)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 91;
    path = argv[1];
    pairs = atol(argv[4]);
    for (long i = 0; i < atol(argv[2]); ++i) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            run_threads(atol(argv[3]));
            exit(0);
        }
    }
    int status = 0, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
