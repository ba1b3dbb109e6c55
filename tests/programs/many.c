// many WHAT PATH COUNT: one thing many times over; each makes a known number of flock pairs.
//   threads      COUNT threads that live at once, each a pair on a file that all share, and one on its own
//   files        a pair on each of COUNT files
//   calls        COUNT pairs on one file
//   processes    COUNT short processes one after the other, each a pair
// Prints by how many KiB the process's memory grew: its own, and that it shares with others.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tell.h"

static const char *path;
static pthread_barrier_t all_there;

static void pair(const char *file) {
    const int fd = open_file(file);
    must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "pair");
    close(fd);
}

static void numbered_pair(long number) {
    char own[4096];
    snprintf(own, sizeof own, "%s.%ld", path, number);
    pair(own);
}

static void *be_thread(void *number) {
    pthread_barrier_wait(&all_there);
    pair(path);
    numbered_pair((long)number % 100);
    pthread_barrier_wait(&all_there);
    return NULL;
}

static void threads(long count) {
    pthread_t *made = calloc((size_t)count, sizeof *made);
    pthread_attr_t small;
    must(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 128 << 10) == 0, "attr");
    must(pthread_barrier_init(&all_there, NULL, (unsigned)count) == 0, "barrier");
    for (long i = 0; i < count; ++i)
        must(pthread_create(&made[i], &small, be_thread, (void *)i) == 0, "pthread_create");
    for (long i = 0; i < count; ++i)
        pthread_join(made[i], NULL);
    free(made);
}

static void calls(long count) {
    const int fd = open_file(path);
    for (long i = 0; i < count; ++i)
        must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "pair");
    close(fd);
}

static void processes(long count) {
    for (long i = 0; i < count; ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            pair(path);
            _exit(0);
        }
        int status = -1;
        must(waitpid(child, &status, 0) == child && status == 0, "child");
    }
}

static void memory(long *own, long *shared) {
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "RssAnon: %ld", own);
        sscanf(line, "RssShmem: %ld", shared);
    }
    must(status != NULL, "status");
    fclose(status);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    path = argv[2];
    const long count = atol(argv[3]);
    long own = 0, shared = 0, own_after = 0, shared_after = 0;
    memory(&own, &shared);
    if (strcmp(argv[1], "threads") == 0)
        threads(count);
    else if (strcmp(argv[1], "calls") == 0)
        calls(count);
    else if (strcmp(argv[1], "processes") == 0)
        processes(count);
    else
        for (long i = 0; i < count; ++i)
            numbered_pair(i);
    memory(&own_after, &shared_after);
    printf("%ld %ld\n", own_after - own, shared_after - shared);
    return 0;
}
