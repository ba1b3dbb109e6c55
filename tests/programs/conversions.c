// conversions PATH: flock conversions, one after the other, with a checkpoint after each: both ways, blocking
// and not; what is asked for again; an unlock of nothing; a refused conversion and one that a signal
// interrupted, which both lose the old lock while another open file holds a shared one.
#include <signal.h>
#include <sys/wait.h>

#include "kernel_view.h"

static const char *path;

static void step(const char *what, int fd, int operation, int expected) {
    int result = flock(fd, operation);
    if ((result == 0 ? 0 : errno) != expected) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(90);
    }
    checkpoint(what, path);
}

static void on_signal(int number) { (void)number; }

// A child that sends a signal as soon as this process's request waits in the kernel.
static void interrupt_when_waiting(void) {
    struct sigaction action = {.sa_handler = on_signal};
    must(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    if (fork() == 0) {
        await_waiting(path, 1);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    path = argv[1];
    int fd = open_file(path);
    step("nothing to unlock", fd, LOCK_UN, 0);
    step("exclusive", fd, LOCK_EX, 0);
    step("exclusive again", fd, LOCK_EX, 0);
    step("to shared", fd, LOCK_SH, 0);
    step("shared again", fd, LOCK_SH | LOCK_NB, 0);
    step("to exclusive", fd, LOCK_EX, 0);
    step("to shared without waiting", fd, LOCK_SH | LOCK_NB, 0);
    step("to exclusive without waiting", fd, LOCK_EX | LOCK_NB, 0);
    step("unlocked", fd, LOCK_UN, 0);

    int other = open_file(path);
    step("one shared", other, LOCK_SH, 0);
    step("two shared", fd, LOCK_SH, 0);
    step("refused and lost", fd, LOCK_EX | LOCK_NB, EWOULDBLOCK);
    step("nothing is left to unlock", fd, LOCK_UN, 0);
    step("two shared again", fd, LOCK_SH, 0);
    interrupt_when_waiting();
    step("interrupted and lost", fd, LOCK_EX, EINTR);
    must(wait(NULL) > 0, "wait");
    step("the other is unlocked", other, LOCK_UN, 0);
    return 0;
}
