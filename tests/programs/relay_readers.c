// relay_readers FAMILY PATH COUNT: COUNT readers, each of which lets go after the next one has the lock, so
// that the writer who asks while the first one has it waits for them all. Prints how long the writer waited,
// in nanoseconds by its own clock.
#include "kernel_view.h"

#include <sys/wait.h>

static const char *family, *path;
static int relay[2];

static void pass_on(void) { must(write(relay[1], "x", 1) == 1, "write"); }
static void take_over(void) {
    char c;
    must(read(relay[0], &c, 1) == 1, "read");
}

static pid_t start(void (*live)(int)) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        live(open_file(path));
        exit(0);
    }
    return child;
}

static void write_once(int fd) {
    const long long asked = now_ns();
    must(lock_file(family, fd, 0, 1) == 0, "lock");
    printf("%lld\n", now_ns() - asked);
}

static void read_and_wait(int fd) {
    must(lock_file(family, fd, 1, 1) == 0, "lock");
    pass_on(); // it is held
    char c;
    must(read(0, &c, 1) == 1, "word"); // until the next one has it
    sleep_ms(1);
}

int main(int argc, char **argv) {
    must(argc == 4 && pipe(relay) == 0, "usage: relay_readers FAMILY PATH COUNT");
    family = argv[1];
    path = argv[2];
    int words[2];
    must(pipe(words) == 0 && dup2(words[0], 0) == 0, "pipe");
    start(read_and_wait);
    take_over();
    start(write_once);
    await_waiting(path, 1);
    for (int i = 1; i < atoi(argv[3]); ++i) {
        start(read_and_wait);
        take_over();
        must(write(words[1], "x", 1) == 1, "write");
        sleep_ms(12);
    }
    must(write(words[1], "x", 1) == 1, "write");
    for (int status = 0; wait(&status) > 0;)
        must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child");
    return 0;
}
