// handler_locks PATH OTHER: lock pairs on PATH while a timer's handler does lock pairs on OTHER, until the
// handler ran 200 times. Prints how many pairs each did.
#include <signal.h>
#include <sys/time.h>

#include "tell.h"

static int other;
static volatile sig_atomic_t in_handler;

static void on_alarm(int number) {
    (void)number;
    int saved = errno;
    must(flock(other, LOCK_EX) == 0 && flock(other, LOCK_UN) == 0, "lock in the handler");
    ++in_handler;
    errno = saved;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    int fd = open_file(argv[1]);
    other = open_file(argv[2]);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    struct itimerval every = {{0, 300}, {0, 300}};
    must(setitimer(ITIMER_REAL, &every, NULL) == 0, "setitimer");
    long pairs = 0;
    for (; in_handler < 200; ++pairs)
        must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "lock");
    struct itimerval never = {{0, 0}, {0, 0}};
    must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
    printf("%ld %d\n", pairs, (int)in_handler);
    return 0;
}
