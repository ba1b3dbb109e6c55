// standing DIR PROCESSES OWN: as many processes, each of which holds OWN files of its own in DIR and wants
// DIR/all, which their parent holds. Says "standing" when all hold theirs and have looked at DIR/all; after a
// word on stdin it lets them go on, and they end.
#include "tell.h"

#include <sys/wait.h>

static void lock_own(const char *directory, long process, long number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/own.%ld.%ld", directory, process, number);
    must(flock(open_file(path), LOCK_EX) == 0, path);
}

__attribute__((noinline)) static void stand(const char *directory, const char *all, long process, long own,
                                            int ready) {
    const int wanted = open_file(all);
    for (long number = 0; number < own; ++number)
        lock_own(directory, process, number);
    must(flock(wanted, LOCK_UN) == 0, all); // known from now on
    must(write(ready, "x", 1) == 1, "pipe");
    must(flock(wanted, LOCK_SH) == 0, all);
    exit(0);
}

int main(int argc, char **argv) {
    must(argc == 4, "usage: standing DIR PROCESSES OWN");
    const long processes = atol(argv[2]), own = atol(argv[3]);
    char all[4096], c;
    int ready[2];
    snprintf(all, sizeof all, "%s/all", argv[1]);
    const int fd = open_file(all);
    must(pipe(ready) == 0 && flock(fd, LOCK_EX) == 0, all);
    for (long i = 0; i < processes; ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            close(fd); // its parent's
            stand(argv[1], all, i, own, ready[1]);
        }
        must(read(ready[0], &c, 1) == 1, "pipe");
    }
    say("standing");
    await_word();
    must(flock(fd, LOCK_UN) == 0, all);
    int status = 0, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
