// alarms PATH MICROSECONDS TRIALS: the time-out idiom. A child holds the lock; each trial sets a one-shot
// timer and asks for the lock, which must fail with EINTR. Every other trial is the first lock call of a
// fresh child. A second timer, 300 ms later, rescues a request that was not waiting yet when the first one
// rang. Prints how many were late.
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tell.h"

static const char *path;
static long microseconds;

static void on_alarm(int number) { (void)number; }

// 1 where the request missed its timer.
static int is_late(int fd) {
    long long began = now_ns();
    struct itimerval timer = {{0, 300000}, {microseconds / 1000000, microseconds % 1000000}};
    must(setitimer(ITIMER_REAL, &timer, NULL) == 0, "setitimer");
    int result = flock(fd, LOCK_EX);
    int error = errno;
    struct itimerval never = {{0, 0}, {0, 0}};
    must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
    errno = error;
    must(result == -1 && error == EINTR, "interruption");
    return now_ns() - began > 250000000;
}

static int in_a_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(is_late(open_file(path)));
    int status = 0;
    must(waitpid(child, &status, 0) == child && WIFEXITED(status), "child");
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    path = argv[1];
    microseconds = atol(argv[2]);
    struct sigaction action = {.sa_handler = on_alarm};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    int told[2], late = 0;
    char byte = 'h';
    must(pipe(told) == 0, "pipe");
    pid_t holder = fork();
    if (holder == 0) {
        must(flock(open_file(path), LOCK_EX) == 0 && write(told[1], &byte, 1) == 1, "hold");
        for (;;)
            pause();
    }
    must(read(told[0], &byte, 1) == 1, "read");
    int fd = open_file(path);
    for (long i = 0; i < atol(argv[3]); ++i)
        late += i % 2 == 0 ? is_late(fd) : in_a_child();
    kill(holder, SIGKILL);
    must(waitpid(holder, NULL, 0) == holder, "wait");
    printf("%d\n", late);
    return 0;
}
