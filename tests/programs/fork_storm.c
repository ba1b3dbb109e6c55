// fork_storm PATH MS: for so many milliseconds one thread forks, spawns and vforks children, which lock,
// unlock, close and end in all ways, while four others lock and unlock files of their own and one that all
// share. Prints how many children ended otherwise than they should have.
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tell.h"

extern char **environ;
static const char *path;
static volatile int stop;
static int shared_fd;

static void *lock_on(void *number) {
    char own[4096];
    snprintf(own, sizeof own, "%s.%ld", path, (long)number);
    while (!stop) {
        const int fd = open_file(own);
        must(lock_file("flock", fd, 0, 1) == 0 && lock_file("ofd", fd, 0, 1) == 0, "lock");
        must(lock_file("flock", shared_fd, (long)number % 2 == 0, 0) == 0, "lock");
        must(unlock_file("flock", shared_fd) == 0 && unlock_file("ofd", fd) == 0, "unlock");
        close(fd);
    }
    return NULL;
}

static void be_child(int how) {
    const int fd = open_file(path);
    if (lock_file("posix", fd, 0, 0) == 0)
        unlock_file("posix", fd);
    flock(shared_fd, how % 2 == 0 ? LOCK_UN : LOCK_SH);
    close(shared_fd);
    if (how % 3 == 0)
        execl("/bin/true", "true", (char *)NULL);
    if (how % 3 == 1)
        exit(0);
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    path = argv[1];
    shared_fd = open(path, O_RDWR | O_CREAT, 0600);
    pthread_t threads[4];
    for (long i = 0; i < 4; ++i)
        must(pthread_create(&threads[i], NULL, lock_on, (void *)i) == 0, "thread");
    const long long end = now_ns() + atoll(argv[2]) * 1000000;
    int bad = 0;
    for (int i = 0; now_ns() < end; ++i) {
        pid_t child = -1;
        char *const arguments[] = {"true", NULL};
        if (i % 5 == 3)
            must(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) == 0, "spawn");
        else if (i % 5 == 4) {
            if ((child = vfork()) == 0) {
                close(shared_fd);
                _exit(0);
            }
        } else if ((child = fork()) == 0) {
            be_child(i);
        }
        int status = -1;
        must(waitpid(child, &status, 0) == child, "waitpid");
        bad += status != 0;
    }
    stop = 1;
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
    printf("%d\n", bad);
    return 0;
}
