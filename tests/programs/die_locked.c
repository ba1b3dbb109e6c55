// die_locked COUNT PATH: so many processes, in turns of all families, are killed while they hold PATH.FAMILY,
// and as many while each waits, alone, for it. Each of those did a pair on the file before.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel_view.h"

static const char *family;
static char path[4096];

static void must_end(pid_t child) {
    must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "kill");
}

static void await_held(int count) {
    for (struct held held = read_held(path); held.flock + held.posix + held.ofd != count;
         held = read_held(path))
        sleep_ms(1);
}

static void hold_for_ever(void) {
    must(lock_file(family, open_file(path), 0, 1) == 0, "lock");
    for (;;)
        pause();
}

static void pass(int to) { must(write(to, "x", 1) == 1, "write"); }

static void await(int from) {
    char c = 0;
    must(read(from, &c, 1) == 1, "read");
}

static void wait_for_ever(int parent) {
    const int fd = open_file(path);
    must(lock_file(family, fd, 0, 1) == 0 && unlock_file(family, fd) == 0, "pair");
    pass(parent);
    await(parent);
    lock_file(family, fd, 0, 1);
}

static pid_t start(void) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    return child;
}

static void kill_both(void) {
    int turns[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, turns) == 0, "socketpair");
    const pid_t waiter = start();
    if (waiter == 0)
        wait_for_ever(turns[1]);
    await(turns[0]);
    const pid_t holder = start();
    if (holder == 0)
        hold_for_ever();
    await_held(1);
    pass(turns[0]);
    await_waiting(path, 1);
    must_end(waiter);
    must_end(holder);
    close(turns[0]);
    close(turns[1]);
}

int main(int argc, char **argv) {
    static const char *const families[] = {"flock", "posix", "ofd", "lockf"};
    if (argc != 3)
        return 91;
    for (long i = atol(argv[1]); i > 0; --i) {
        family = families[i % 4];
        snprintf(path, sizeof path, "%s.%s", argv[2], family);
        kill_both();
    }
    return 0;
}
