// byte_chain FAMILY PATH: three processes, of which number N holds the bytes 10 * N to 10 * N + 9 of PATH.
// The first two each want the bytes of the next one, so that nobody waits for himself. Says "chain" and their
// ids when all hold theirs; after a word on stdin it ends them. FAMILY: posix, ofd, lockf, or current (posix,
// from the file's position on).
#include "tell.h"

#include <signal.h>
#include <sys/wait.h>

enum { count = 3, length = 10 };

static int lock_bytes(const char *family, int fd, long start) {
    const int current = strcmp(family, "current") == 0;
    struct flock range = range_of(F_WRLCK, current ? 0 : start, length);
    if (current)
        range.l_whence = SEEK_CUR;
    must(lseek(fd, start, SEEK_SET) == start, "lseek");
    if (strcmp(family, "lockf") == 0)
        return lockf(fd, F_LOCK, length);
    return fcntl(fd, strcmp(family, "ofd") == 0 ? F_OFD_SETLKW : F_SETLKW, &range);
}

static void stand(const char *family, const char *path, int number, int tell, int go) {
    const int fd = open_file(path);
    char c;
    must(lock_bytes(family, fd, (long)number * length) == 0, "lock");
    must(write(tell, "x", 1) == 1 && read(go, &c, 1) == 1, "pipe");
    if (number + 1 < count)
        lock_bytes(family, fd, (long)(number + 1) * length);
    pause();
}

int main(int argc, char **argv) {
    must(argc == 3, "usage: byte_chain FAMILY PATH");
    pid_t children[count];
    int ready[2], go[2];
    char c;
    must(pipe(ready) == 0 && pipe(go) == 0, "pipe");
    for (int i = 0; i < count; ++i) {
        children[i] = fork();
        must(children[i] >= 0, "fork");
        if (children[i] == 0)
            stand(argv[1], argv[2], i, ready[1], go[0]);
    }
    for (int i = 0; i < count; ++i)
        must(read(ready[0], &c, 1) == 1, "pipe");
    printf("chain");
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
