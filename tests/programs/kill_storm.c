// kill_storm COUNT PATH SEED [END]: starts COUNT processes, one after the other, that lock and unlock in all
// families as fast as they can, half of them against a process that contends, and each has its end at a
// random moment: it is killed, or a signal's handler does END, which is abort, segv, _exit or exec. Each
// counts its own calls that returned. Prints "PID ATTEMPTS UNLOCKS HOLDS" of each.
#include "counted.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct counts *counts;
static const char *path, *how;

static void end_now(int number) {
    (void)number;
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        *(volatile int *)0x10 = 1;
    if (strcmp(how, "exec") == 0)
        execl("/bin/true", "true", (char *)NULL);
    _exit(0);
}

static void end_after(long us) {
    const struct itimerval once = {{0, 0}, {0, us}};
    must(signal(SIGALRM, end_now) != SIG_ERR && setitimer(ITIMER_REAL, &once, NULL) == 0, "timer");
}

static pid_t start(struct counts *mine, long number) {
    const long us = rand() % 3000 + 1;
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        if (how != NULL)
            end_after(us);
        lock_for_ever(mine, path, number);
    }
    return child;
}

static void tell_end(pid_t child, const struct counts *its) {
    must((how != NULL || kill(child, SIGKILL) == 0) && waitpid(child, NULL, 0) == child, "end");
    printf("%d %ld %ld %ld\n", child, atomic_load(&its->attempts), atomic_load(&its->unlocks),
           atomic_load(&its->holds));
}

int main(int argc, char **argv) {
    must(argc >= 4, "usage: kill_storm COUNT PATH SEED [END]");
    const long count = atol(argv[1]);
    path = argv[2];
    srand((unsigned)atoi(argv[3]));
    how = argc > 4 ? argv[4] : NULL;
    counts = share_counts(NULL, count);
    for (long i = 0; i < count; ++i) {
        // Of two that share a family and a file the second one contends.
        const int contended = i % 2 == 1 && i + 1 < count;
        const pid_t child = start(&counts[i], i);
        const pid_t rival = contended ? start(&counts[i + 1], i) : 0;
        const long long until = now_ns() + rand() % 3000000;
        while (how == NULL && now_ns() < until) {}
        tell_end(child, &counts[i]);
        if (rival != 0)
            tell_end(rival, &counts[++i]);
    }
    return 0;
}
