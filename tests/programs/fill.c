// fill DIR PROCESSES OWN POLLED: as many processes, one after another, a run that fills its recording. Each
// locks OWN files of its own, and POLLED times one of 64 shared files that it finds taken at first, from one
// of 128 stacks.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { shared_files = 64, stacks = 128 };

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(90);
    }
}

static int open_file(const char *directory, const char *kind, long process, long number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%ld.%ld", directory, kind, process, number);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    return fd;
}

static void lock_own(const char *directory, long process, long number) {
    const int fd = open_file(directory, "own", process, number);
    must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0 && close(fd) == 0, "flock");
}

/// Asks in vain, and once more after the other open file has let go.
static void poll_shared(const char *directory, long number) {
    const int holder = open_file(directory, "shared", 0, number);
    const int poller = open_file(directory, "shared", 0, number);
    must(flock(holder, LOCK_EX) == 0, "flock");
    must(flock(poller, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK, "taken");
    must(flock(holder, LOCK_UN) == 0, "flock");
    must(flock(poller, LOCK_EX | LOCK_NB) == 0 && flock(poller, LOCK_UN) == 0, "flock");
    must(close(holder) == 0 && close(poller) == 0, "close");
}

/// Depth and the branches on the way, which are bits of `way`, make the stack.
static void __attribute__((noinline)) go(const char *directory, long number, unsigned way) {
    if (way <= 1) {
        poll_shared(directory, number);
    } else if (way & 1U) {
        go(directory, number, way >> 1U);
    } else {
        go(directory, number, way >> 1U);
    }
    __asm__ volatile(""); // no tail call
}

int main(int argc, char **argv) {
    must(argc == 5, "usage: fill DIR PROCESSES OWN POLLED");
    const long processes = atol(argv[2]), own = atol(argv[3]), polled = atol(argv[4]);
    for (long i = 0; i < processes; ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            for (long n = 0; n < own; ++n) {
                lock_own(argv[1], i, n);
            }
            for (long n = 0; n < polled; ++n) {
                const long turn = i * polled + n;
                go(argv[1], turn % shared_files, stacks + (unsigned)(turn * 7 % stacks));
            }
            exit(0);
        }
        int status = 0;
        must(waitpid(child, &status, 0) == child && status == 0, "child");
    }
    return 0;
}
