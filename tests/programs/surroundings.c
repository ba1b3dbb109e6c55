// surroundings PATH: what a program can see of itself while it locks: descriptor numbers and how many are
// open, signal mask and handlers, working directory, umask, number of threads and children. Prints all of it.
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tell.h"

static void show_descriptors(const char *when) {
    printf("%s: open", when);
    for (int fd = 0; fd < 1000; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    }
    putchar('\n');
}

static void show_signals(void) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 32; ++number) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0)
            continue;
        printf("signal %d: blocked %d, default %d, flags %d\n", number, sigismember(&blocked, number),
               action.sa_handler == SIG_DFL, action.sa_flags);
    }
}

static int count_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    must(tasks != NULL, "/proc/self/task");
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    show_descriptors("at the start");
    int first = open_file(argv[1]);
    must(flock(first, LOCK_EX) == 0, "lock");
    int second = open_file(argv[1]);
    printf("descriptors %d %d\n", first, second);
    show_descriptors("while locked");
    close_range(3, ~0U, 0);
    int again = open_file(argv[1]);
    must(flock(again, LOCK_EX) == 0, "lock after closing all");
    int copy = dup(again), high = fcntl(again, F_DUPFD_CLOEXEC, 100);
    printf("after closing all: %d %d %d\n", again, copy, high);
    must(dup2(high, 50) == 50 && close(high) == 0, "dup2");
    show_descriptors("at the end");
    show_signals();
    mode_t mask = umask(0);
    printf("umask %o, threads %d, children %d\n", (unsigned)mask, count_threads(),
           waitpid(-1, NULL, WNOHANG));
    return 0;
}
