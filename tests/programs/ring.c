// ring COUNT PATH [new]: COUNT processes, each of which holds PATH.N and wants its neighbour's, so that all
// wait for ever; with `new` for a file that it did nothing with before. Says "ring" and the processes' ids
// when all hold theirs; after a word on stdin it ends them.
#include "tell.h"

#include <signal.h>
#include <sys/wait.h>

static void stand(const char *path, int number, int count, int is_new, int tell, int go) {
    char own[4096], other[4096], c;
    snprintf(own, sizeof own, "%s.%d", path, number);
    snprintf(other, sizeof other, "%s.%d", path, (number + 1) % count);
    const int fd = open_file(own);
    const int wanted = open_file(other);
    must(is_new || flock(wanted, LOCK_UN) == 0, "flock"); // known from now on
    must(flock(fd, LOCK_EX) == 0, "flock");
    must(write(tell, "x", 1) == 1 && read(go, &c, 1) == 1, "pipe");
    flock(wanted, LOCK_EX);
    _exit(1);
}

int main(int argc, char **argv) {
    must(argc >= 3, "usage: ring COUNT PATH [new]");
    const int count = atoi(argv[1]);
    pid_t children[16];
    int ready[2], go[2];
    char c;
    must(count <= 16 && pipe(ready) == 0 && pipe(go) == 0, "pipe");
    for (int i = 0; i < count; ++i) {
        children[i] = fork();
        must(children[i] >= 0, "fork");
        if (children[i] == 0)
            stand(argv[2], i, count, argc > 3, ready[1], go[0]);
    }
    printf("ring");
    for (int i = 0; i < count; ++i)
        must(read(ready[0], &c, 1) == 1, "pipe");
    for (int i = 0; i < count; ++i) {
        must(write(go[1], "x", 1) == 1, "pipe");
        printf(" %d", children[i]);
    }
    say("");
    await_word();
    for (int i = 0; i < count; ++i)
        must(kill(children[i], SIGKILL) == 0 && waitpid(children[i], NULL, 0) == children[i], "kill");
    return 0;
}
