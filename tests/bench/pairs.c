// One uncontended lock and unlock after the other, from a stack of a given depth.
//
//   pairs WORKLOAD DEPTH FILE    WORKLOAD: flock posix ofd lockf open
//
// Reads numbers, one a line. For each it takes and drops the lock so many times, and prints the nanoseconds
// that took. DEPTH counts the frames between main and the lock call, the caller of the lock function
// included. `open` opens and closes the file around a flock, as programs do that lock once in a while.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))

enum workload { workload_flock, workload_posix, workload_ofd, workload_lockf, workload_open, workload_count };
static const char *const names[workload_count] = {"flock", "posix", "ofd", "lockf", "open"};

static enum workload workload;
static const char *path;
static int file = -1;

static void must(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "pairs: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// Each workload has a loop of its own, so that nothing but the calls is in it. Returns how many calls failed.
static inline long run_flock(long pairs) {
    long failed = 0;
    for (long i = 0; i < pairs; ++i)
        failed += (flock(file, LOCK_EX) != 0) + (flock(file, LOCK_UN) != 0);
    return failed;
}

static inline long run_fcntl(long pairs, int command) {
    long failed = 0;
    struct flock range = {.l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    for (long i = 0; i < pairs; ++i) {
        range.l_type = F_WRLCK;
        failed += fcntl(file, command, &range) != 0;
        range.l_type = F_UNLCK;
        failed += fcntl(file, command, &range) != 0;
    }
    return failed;
}

static inline long run_lockf(long pairs) {
    long failed = 0;
    for (long i = 0; i < pairs; ++i)
        failed += (lockf(file, F_LOCK, 1) != 0) + (lockf(file, F_ULOCK, 1) != 0);
    return failed;
}

static inline long run_open(long pairs) {
    long failed = 0;
    for (long i = 0; i < pairs; ++i) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        failed += (flock(fd, LOCK_EX) != 0) + (close(fd) != 0);
    }
    return failed;
}

// The innermost frame.
FRAME static long long timed(long pairs) {
    long failed = 0;
    const long long start = now_ns();
    switch (workload) {
    case workload_flock: failed = run_flock(pairs); break;
    case workload_posix: failed = run_fcntl(pairs, F_SETLK); break;
    case workload_ofd: failed = run_fcntl(pairs, F_OFD_SETLK); break;
    case workload_lockf: failed = run_lockf(pairs); break;
    default: failed = run_open(pairs); break;
    }
    const long long end = now_ns();
    must(failed == 0, "a lock call failed");
    return end - start;
}

// Frames of ordinary size, that the compiler can neither turn into a loop nor leave before the call returns.
FRAME static long long descend(int depth, long pairs) {
    char locals[64];
    __asm__ volatile("" : : "r"(locals) : "memory");
    long long ns = depth > 1 ? descend(depth - 1, pairs) : timed(pairs);
    __asm__ volatile("" : "+r"(ns) : "r"(locals) : "memory");
    return ns;
}

int main(int argc, char **argv) {
    must(argc == 4, "usage: pairs WORKLOAD DEPTH FILE");
    while (workload < workload_count && strcmp(argv[1], names[workload]) != 0)
        ++workload;
    must(workload < workload_count, argv[1]);
    const int depth = atoi(argv[2]);
    must(depth >= 1, argv[2]);
    path = argv[3];
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(file >= 0, path);
    char line[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const long pairs = atol(line);
        printf("%lld\n", depth > 1 ? descend(depth - 1, pairs) : timed(pairs));
        fflush(stdout);
    }
    return 0;
}
