// stand DIR PROCESSES LOCKS: as many processes, each of which holds as many locks on files of its own. Says
// "standing" when all are held, and ends after a word on stdin.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(90);
    }
}

static void hold(const char *directory, long number, long locks, int tell, int go) {
    char path[4096], c;
    for (long i = 0; i < locks; ++i) {
        snprintf(path, sizeof path, "%s/%ld.%ld", directory, number, i);
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        must(fd >= 0 && flock(fd, LOCK_EX) == 0, path);
    }
    must(write(tell, "x", 1) == 1, "pipe");
    must(read(go, &c, 1) == 0, "pipe"); // until the other end is closed
    exit(0);
}

int main(int argc, char **argv) {
    int ready[2], go[2];
    char c;
    must(argc == 4 && pipe(ready) == 0 && pipe(go) == 0, "usage: stand DIR PROCESSES LOCKS");
    for (long i = 0; i < atol(argv[2]); ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            close(go[1]);
            hold(argv[1], i, atol(argv[3]), ready[1], go[0]);
        }
        must(read(ready[0], &c, 1) == 1, "pipe");
    }
    puts("standing");
    fflush(stdout);
    must(read(0, &c, 1) >= 0, "stdin");
    close(go[1]);
    while (wait(NULL) > 0) {}
    return 0;
}
