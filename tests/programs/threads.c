// threads CASE PATH [FAMILY]: locks that threads share.
//   hand_over FAMILY   taken in one thread, released in another
//   ends FAMILY        a thread ends while it holds the lock; main releases it
//   crowd              200 threads at once, each 50 pairs on a descriptor of its own
//   main_ends          main ends, and leaves the process to a thread, which locks then
//   churn              10,000 threads one after the other, each a pair; prints by how many KiB the process's
//                      memory grew in the second half
#include <pthread.h>

#include "kernel_view.h"

static const char *path, *family = "flock";
static int fd;

static void *take(void *unused) {
    (void)unused;
    must(lock_file(family, fd, 0, 1) == 0, "lock");
    return NULL;
}

static void *release(void *unused) {
    (void)unused;
    must(unlock_file(family, fd) == 0, "unlock");
    return NULL;
}

static void *pairs(void *count) {
    int own = open_file(path);
    for (long i = 0; i < (long)count; ++i)
        must(flock(own, LOCK_EX) == 0 && flock(own, LOCK_UN) == 0, "pair");
    close(own);
    return NULL;
}

static void *lock_alone(void *unused) {
    (void)unused;
    char target[4096];
    while (readlink("/proc/self/fd/0", target, sizeof target) > 0)
        sleep_ms(1); // main has its descriptors still
    pairs((void *)1L);
    exit(0);
}

static void run_thread(void *(*work)(void *), void *argument) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, work, argument) == 0 && pthread_join(thread, NULL) == 0, "thread");
}

static void crowd(void) {
    pthread_t threads[200];
    for (int i = 0; i < 200; ++i)
        must(pthread_create(&threads[i], NULL, pairs, (void *)50L) == 0, "pthread_create");
    for (int i = 0; i < 200; ++i)
        must(pthread_join(threads[i], NULL) == 0, "pthread_join");
}

static long resident_kib(void) {
    FILE *statm = fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    must(statm != NULL && fscanf(statm, "%ld %ld", &all, &resident) == 2, "statm");
    fclose(statm);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void churn(void) {
    for (int i = 0; i < 5000; ++i)
        run_thread(pairs, (void *)1L);
    long half = resident_kib();
    for (int i = 0; i < 5000; ++i)
        run_thread(pairs, (void *)1L);
    printf("%ld\n", resident_kib() - half);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 91;
    path = argv[2];
    family = argc > 3 ? argv[3] : family;
    if (strcmp(argv[1], "crowd") == 0)
        return crowd(), 0;
    if (strcmp(argv[1], "churn") == 0)
        return churn(), 0;
    if (strcmp(argv[1], "main_ends") == 0) {
        pthread_t thread;
        must(pthread_create(&thread, NULL, lock_alone, NULL) == 0, "pthread_create");
        pthread_exit(NULL);
    }
    fd = open_file(path);
    run_thread(take, NULL);
    checkpoint("held", path);
    if (strcmp(argv[1], "ends") == 0)
        release(NULL);
    else
        run_thread(release, NULL);
    checkpoint("released", path);
    return 0;
}
