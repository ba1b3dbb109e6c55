// exec_keeps PATH [WAY]: locks a file (flock and posix) and becomes itself again, which asks from a child
// whether both are still held, and unlocks. WAY: execveat, syscall or syscall_at; execl if none is given.
#include <sys/syscall.h>
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

static void become(const char *way, char *const arguments[]) {
    const char *self = "/proc/self/exe";
    if (strcmp(way, "execveat") == 0)
        execveat(AT_FDCWD, self, arguments, environ, 0);
    else if (strcmp(way, "syscall") == 0)
        syscall(SYS_execve, self, arguments, environ);
    else if (strcmp(way, "syscall_at") == 0)
        syscall(SYS_execveat, AT_FDCWD, self, arguments, environ, 0);
    else
        execl(self, arguments[0], arguments[1], arguments[2], arguments[3], (char *)NULL);
}

int main(int argc, char **argv) {
    if (argc == 4) {
        int fd = atoi(argv[3]);
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
    char again[] = "again";
    become(argc > 2 ? argv[2] : "", (char *[]){argv[0], argv[1], again, number, NULL});
    return 92;
}
