// kill_storm COUNT PATH [SEED]: starts COUNT processes, one after the other, that lock and unlock in all
// families as fast as they can, half of them against a process that contends, and kills each at a random
// moment. Each counts its own calls that returned, in memory that it shares with its parent. Prints
// "PID ATTEMPTS UNLOCKS HOLDS" of each; HOLDS: 1 where it had a lock when it last looked.
#include "tell.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct counts {
    atomic_long attempts, unlocks, holds;
};

static const char *const families[] = {"flock", "posix", "ofd", "lockf"};
static struct counts *counts;
static const char *path;

static void lock_for_ever(struct counts *mine, long number) {
    const char *family = families[number % 4];
    char own_path[4096];
    snprintf(own_path, sizeof own_path, "%s.%ld", path, number % 8);
    const int fd = open_file(own_path);
    for (long i = 0;; ++i) {
        const int block = i % 2 == 0; // both ways
        const int result = lock_file(family, fd, i % 3 == 0, block);
        atomic_fetch_add(&mine->attempts, 1);
        if (result != 0)
            continue;
        atomic_store(&mine->holds, 1);
        must(unlock_file(family, fd) == 0, "unlock");
        atomic_fetch_add(&mine->unlocks, 1);
        atomic_store(&mine->holds, 0);
    }
}

static pid_t start(struct counts *mine, long number) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0)
        lock_for_ever(mine, number);
    return child;
}

static void kill_and_tell(pid_t child, const struct counts *its) {
    must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "kill");
    printf("%d %ld %ld %ld\n", child, atomic_load(&its->attempts), atomic_load(&its->unlocks),
           atomic_load(&its->holds));
}

int main(int argc, char **argv) {
    must(argc >= 3, "usage: kill_storm COUNT PATH [SEED]");
    const long count = atol(argv[1]);
    path = argv[2];
    srand(argc > 3 ? (unsigned)atoi(argv[3]) : 1);
    counts = mmap(NULL, (size_t)(count + 1) * sizeof *counts, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(counts != MAP_FAILED, "mmap");
    for (long i = 0; i < count; ++i) {
        // Of two that share a family and a file the second one contends.
        const int contended = i % 2 == 1 && i + 1 < count;
        const pid_t child = start(&counts[i], i);
        const pid_t rival = contended ? start(&counts[i + 1], i) : 0;
        const long long until = now_ns() + rand() % 3000000;
        while (now_ns() < until) {}
        kill_and_tell(child, &counts[i]);
        if (rival != 0)
            kill_and_tell(rival, &counts[++i]);
    }
    return 0;
}
