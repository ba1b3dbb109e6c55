// handler_unlocks PATH: blocks on a lock which another descriptor of the same process holds, until a signal
// handler (SA_RESTART) unlocks that one. The blocked call goes on by itself and is granted.
#include <signal.h>
#include <sys/time.h>

#include "tell.h"

static int holder;
static volatile sig_atomic_t unlocked = -1;

static void on_alarm(int number) {
    (void)number;
    unlocked = flock(holder, LOCK_UN);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    holder = open_file(argv[1]);
    int waiter = open_file(argv[1]);
    must(flock(holder, LOCK_EX) == 0, "lock");
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    struct itimerval once = {{0, 0}, {0, 100000}};
    must(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
    int result = flock(waiter, LOCK_EX);
    printf("granted %d, handler unlocked %d\n", result, (int)unlocked);
    return 0;
}
