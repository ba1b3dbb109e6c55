// exec_keeps PATH: locks a file (flock and posix) and becomes itself again, which asks from a child whether
// both are still held.
#include <sys/wait.h>

#include "tell.h"

// From a child, because a process never conflicts with its own posix locks.
static void ask(const char *path) {
    fflush(stdout);
    if (fork() == 0) {
        int fd = open_file(path);
        struct flock range = range_of(F_WRLCK, 0, 0);
        must(fcntl(fd, F_GETLK, &range) == 0, "test");
        printf("flock held %d, posix held %d\n", flock(fd, LOCK_EX | LOCK_NB) != 0, range.l_type != F_UNLCK);
        exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        int fd = atoi(argv[2]);
        ask(argv[1]);
        struct flock range = range_of(F_UNLCK, 0, 0);
        must(flock(fd, LOCK_UN) == 0 && fcntl(fd, F_SETLK, &range) == 0, "unlock");
        ask(argv[1]);
        return 0;
    }
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    struct flock range = range_of(F_WRLCK, 0, 0);
    must(flock(fd, LOCK_EX) == 0 && fcntl(fd, F_SETLK, &range) == 0, "lock");
    ask(argv[1]);
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    execl("/proc/self/exe", argv[0], argv[1], number, (char *)NULL);
    return 92;
}
