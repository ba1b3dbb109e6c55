// bad_calls PATH: calls that the kernel refuses to understand, through every entry point. Prints what each
// returned and its errno; nothing may crash, and nothing may change it.
#include <limits.h>
#include <sys/syscall.h>

#include "tell.h"

static void show(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result == -1 ? strerror(errno) : "");
    errno = 0;
}

static const int commands[] = {F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK};

static void bad_descriptors(int closed) {
    struct flock range = range_of(F_WRLCK, 0, 0);
    const int numbers[] = {-1, closed, INT_MAX};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; ++n) {
        show("flock", flock(numbers[n], LOCK_EX));
        show("flock un", flock(numbers[n], LOCK_UN));
        show("lockf", lockf(numbers[n], F_LOCK, 0));
        show("lockf test", lockf(numbers[n], F_TEST, 0));
        show("syscall flock", syscall(SYS_flock, numbers[n], LOCK_EX | LOCK_NB));
        for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
            show("fcntl", fcntl(numbers[n], commands[i], &range));
            show("syscall fcntl", syscall(SYS_fcntl, numbers[n], commands[i], &range));
        }
    }
}

static void bad_pointers(int fd) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
        show("fcntl null", fcntl(fd, commands[i], NULL));
        show("fcntl one", fcntl(fd, commands[i], (void *)1));
        show("fcntl64 high", fcntl64(fd, commands[i], (void *)-4096L));
        show("syscall", syscall(SYS_fcntl, fd, commands[i], (void *)16));
    }
}

static void bad_ranges(int fd) {
    struct flock ranges[] = {range_of(99, 0, 0),        range_of(F_WRLCK, -5, 1),
                             range_of(F_RDLCK, 3, -10), range_of(F_WRLCK, LONG_MAX, 5),
                             range_of(F_UNLCK, -1, 0),  range_of(F_RDLCK, 0, 1)};
    ranges[5].l_whence = 42;
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; ++r) {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
            struct flock range = ranges[r];
            show("fcntl range", fcntl(fd, commands[i], &range));
        }
    }
    struct flock of_somebody = range_of(F_WRLCK, 0, 0);
    of_somebody.l_pid = getpid();
    show("ofd with a pid", fcntl(fd, F_OFD_SETLK, &of_somebody));
}

static void bad_operations(int fd) {
    const int operations[] = {0, 3, 99, LOCK_NB, LOCK_SH | LOCK_EX, LOCK_UN | LOCK_EX, -1};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; ++i) {
        show("flock operation", flock(fd, operations[i]));
        show("flock un", flock(fd, LOCK_UN));
    }
    show("lockf operation", lockf(fd, 77, 0));
    show("lockf before the file", lockf(fd, F_TLOCK, -20));
    show("fcntl command", fcntl(fd, 12345, 6));
    show("syscall number", syscall(99999, 1, 2, 3));
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    errno = 0;
    int fd = open_file(argv[1]);
    int closed = dup(fd);
    close(closed);
    bad_descriptors(closed);
    bad_pointers(fd);
    bad_ranges(fd);
    bad_operations(fd);
    int read_only = open(argv[1], O_RDONLY);
    struct flock range = range_of(F_WRLCK, 0, 0);
    show("write lock on a read-only descriptor", fcntl(read_only, F_SETLK, &range));
    show("lockf on a read-only descriptor", lockf(read_only, F_TLOCK, 0));
    int path_only = open(argv[1], O_PATH);
    show("flock on O_PATH", flock(path_only, LOCK_SH));
    show("fcntl on O_PATH", fcntl(path_only, F_SETLK, &range));
    int ends[2];
    must(pipe(ends) == 0, "pipe");
    show("flock on a pipe", flock(ends[0], LOCK_EX | LOCK_NB));
    show("fcntl on a pipe", fcntl(ends[1], F_SETLK, &range));
    return 0;
}
