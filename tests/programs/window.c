// window PATH TRIALS: the time from the program's call to its blocking system call, as libinterposer.so
// behind flockstat sees it: the last flock that came through before the request was interrupted. A child
// holds the lock. Prints the least of TRIALS first calls, each in a fresh child, and the least of TRIALS
// later calls, in nanoseconds.
#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tell.h"

static const char *path;
static const long long *last_call_ns; // of libinterposer.so

static void on_alarm(int number) { (void)number; }

static long long measure(int fd) {
    // Again and again: a busy machine may delay the request for longer than the timer runs.
    struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    must(setitimer(ITIMER_REAL, &every, NULL) == 0, "setitimer");
    long long began = now_ns();
    int result = flock(fd, LOCK_EX);
    long long window = *last_call_ns - began;
    must(result == -1 && setitimer(ITIMER_REAL, &never, NULL) == 0, "interruption");
    return window;
}

static long long first_call(long long *shared) {
    if (fork() == 0) {
        *shared = measure(open_file(path));
        _exit(0);
    }
    int status = -1;
    must(wait(&status) > 0 && status == 0, "child");
    return *shared;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    path = argv[1];
    *(void **)&last_call_ns = dlsym(RTLD_DEFAULT, "last_call_ns");
    must(last_call_ns != NULL, "libinterposer.so");
    struct sigaction action = {.sa_handler = on_alarm};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    int told[2];
    char byte = 'h';
    must(pipe(told) == 0, "pipe");
    pid_t holder = fork();
    if (holder == 0) {
        must(flock(open_file(path), LOCK_EX) == 0 && write(told[1], &byte, 1) == 1, "hold");
        for (;;)
            pause();
    }
    must(read(told[0], &byte, 1) == 1, "read");
    long long *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long long first = 1000000000, later = 1000000000, one = 0;
    for (long i = 0; i < atol(argv[2]); ++i)
        first = (one = first_call(shared)) < first ? one : first;
    int fd = open_file(path);
    for (long i = 0; i <= atol(argv[2]); ++i) {
        one = measure(fd);
        later = i > 0 && one < later ? one : later;
    }
    kill(holder, SIGKILL);
    must(waitpid(holder, NULL, 0) == holder, "wait");
    printf("%lld %lld\n", first, later);
    return 0;
}
