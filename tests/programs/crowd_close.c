// crowd_close FAMILY PATH CHILDREN: locks PATH, makes so many children that close it at once and go on,
// closes it as the last one, and lets them go. (`crowd.c` is about those that wait.)
#include <sys/wait.h>

#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    const int fd = open_file(argv[2]);
    int closed[2], release[2];
    must(pipe2(closed, O_CLOEXEC) == 0 && pipe2(release, O_CLOEXEC) == 0, "pipe");
    must(lock_file(argv[1], fd, 0, 0) == 0, "lock");
    char word = 'x';
    for (long i = 0; i < atol(argv[3]); ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            close(release[1]);
            must(close(fd) == 0 && write(closed[1], &word, 1) == 1, "close");
            _exit(read(release[0], &word, 1) != 0);
        }
    }
    for (long i = 0; i < atol(argv[3]); ++i)
        must(read(closed[0], &word, 1) == 1, "await");
    must(close(fd) == 0, "close");
    close(release[1]);
    while (wait(NULL) > 0) {}
    return 0;
}
