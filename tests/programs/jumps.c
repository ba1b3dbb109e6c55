// jumps PATH JUMPS MICROSECONDS [deep]: locks and unlocks PATH while a timer's handler, which rings again so
// long after it was set, leaves whatever it interrupts by siglongjmp, that many times; then 1,000 times in
// peace. "deep": every other round locks from further down the stack. Prints how many locks and unlocks
// returned, how many calls may have been left, and how many descriptors more than at first there are:
// "GRANTED UNLOCKS LEFT DESCRIPTORS".
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/time.h>

#include "tell.h"

static sigjmp_buf back;
static volatile long granted, unlocks, jumps, left;
static volatile sig_atomic_t in_call;
static long microseconds;

static void ring_once(void) {
    struct itimerval once = {{0, 0}, {0, microseconds + jumps % 37}};
    must(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
}

static void on_alarm(int number) {
    (void)number;
    ++jumps;
    left += in_call;
    in_call = 0;
    siglongjmp(back, 1);
}

static void lock_and_unlock(int fd) {
    in_call = 1;
    int status = flock(fd, LOCK_EX);
    in_call = 0;
    must(status == 0, "flock");
    ++granted;
    in_call = 1;
    status = flock(fd, LOCK_UN);
    in_call = 0;
    must(status == 0, "unlock");
    ++unlocks;
}

__attribute__((noinline)) static void lock_deep(int fd) {
    volatile char room[4096];
    room[0] = room[4095] = 0;
    lock_and_unlock(fd);
    room[1] = room[0];
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 91;
    int fd = open_file(argv[1]);
    const long wanted = atol(argv[2]);
    microseconds = atol(argv[3]);
    const bool deep = argc > 4;
    struct sigaction action = {.sa_handler = on_alarm};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    sigsetjmp(back, 1);
    if (jumps < wanted)
        ring_once();
    while (jumps < wanted) {
        if (deep && jumps % 2 != 0)
            lock_deep(fd);
        else
            lock_and_unlock(fd);
    }
    for (int i = 0; i < 1000; ++i)
        lock_and_unlock(fd);
    printf("%ld %ld %ld %d\n", granted, unlocks, left, dup(fd) - fd - 1);
    return 0;
}
