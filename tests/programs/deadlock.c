// deadlock PATH: two processes hold a byte each and ask for the other's, with F_SETLKW. The kernel refuses
// the second to ask (EDEADLK), which then drops its own byte, and the first goes on. Prints "deadlocks 1".
#include <sys/wait.h>

#include "tell.h"

static int set(int fd, short type, long byte, int block) {
    struct flock range = range_of(type, byte, 1);
    return fcntl(fd, block ? F_SETLKW : F_SETLK, &range);
}

// Returns 1 if the kernel saw the deadlock here.
static int ask_for_the_other(int fd, long mine) {
    int result = set(fd, F_WRLCK, 1 - mine, 1);
    int deadlocked = result == -1 && errno == EDEADLK;
    must(result == 0 || deadlocked, "lock");
    if (!deadlocked)
        must(set(fd, F_UNLCK, 1 - mine, 0) == 0, "unlock");
    must(set(fd, F_UNLCK, mine, 0) == 0, "unlock");
    return deadlocked;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    int fd = open_file(argv[1]);
    int ready[2], go[2];
    must(pipe(ready) == 0 && pipe(go) == 0, "pipe");
    pid_t child = fork();
    char c = 'x';
    if (child == 0) {
        must(set(fd, F_WRLCK, 1, 0) == 0, "lock");
        must(write(ready[1], &c, 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
        _exit(ask_for_the_other(fd, 1));
    }
    must(set(fd, F_WRLCK, 0, 0) == 0, "lock");
    must(read(ready[0], &c, 1) == 1 && write(go[1], &c, 1) == 1, "pipe");
    int here = ask_for_the_other(fd, 0);
    int status = 0;
    must(waitpid(child, &status, 0) == child && WIFEXITED(status), "wait");
    printf("deadlocks %d\n", here + WEXITSTATUS(status));
    return 0;
}
