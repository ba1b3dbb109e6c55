// Processes that want one lock.
//
//   contend PROCESSES ROUNDS HOLD_NS FILE
//
// Each process opens FILE and takes its flock ROUNDS times, computing for HOLD_NS while it has it and doing
// nothing in between. Prints the nanoseconds of an acquisition: from the common start to the last one's end,
// over all acquisitions.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { max_processes = 64 };

struct board {
    int ready; // processes that may start
    int go;
    long long end_ns[max_processes];
};

static void must(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "contend: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void hold(int fd, long long ns) {
    must(flock(fd, LOCK_EX) == 0, "flock");
    const long long until = now_ns() + ns;
    while (now_ns() < until) {}
    must(flock(fd, LOCK_UN) == 0, "flock");
}

static void contend(struct board *board, int self, long rounds, long long hold_ns, const char *path) {
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    hold(fd, 0); // the first call of a process is not what is measured
    __atomic_fetch_add(&board->ready, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&board->go, __ATOMIC_ACQUIRE))
        usleep(100);
    for (long i = 0; i < rounds; ++i)
        hold(fd, hold_ns);
    board->end_ns[self] = now_ns();
}

int main(int argc, char **argv) {
    must(argc == 5, "usage: contend PROCESSES ROUNDS HOLD_NS FILE");
    const int processes = atoi(argv[1]);
    const long rounds = atol(argv[2]);
    must(processes >= 1 && processes <= max_processes && rounds >= 1, "PROCESSES or ROUNDS");
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(board != MAP_FAILED, "mmap");
    for (int i = 0; i < processes; ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            contend(board, i, rounds, atoll(argv[3]), argv[4]);
            return 0;
        }
    }
    while (__atomic_load_n(&board->ready, __ATOMIC_ACQUIRE) < processes)
        usleep(100);
    const long long start = now_ns();
    __atomic_store_n(&board->go, 1, __ATOMIC_RELEASE);
    int status = 0;
    int failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    must(!failed, "a process failed");
    long long end = start;
    for (int i = 0; i < processes; ++i)
        end = board->end_ns[i] > end ? board->end_ns[i] : end;
    printf("%lld\n", (end - start) / (processes * rounds));
    return 0;
}
