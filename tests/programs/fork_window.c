// fork_window PATH FAMILY: opens PATH anew while a child is being made, after all that stands in before fork
// and before the kernel copies the descriptors, so that the child has the new open file too; locks it, and
// closes it here first. Tells what the kernel holds.
#include <pthread.h>
#include <sys/wait.h>

#include "kernel_view.h"

static const char *path;
static int fd = -1;

static void open_anew(void) {
    const int before = fd;
    must(close(fd) == 0, "close");
    fd = open_file(path);
    must(fd == before, "the same number");
}

// Handlers that were registered first are called last: nobody's constructor comes before these.
static void register_first(void) { must(pthread_atfork(open_anew, NULL, NULL) == 0, "pthread_atfork"); }
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_first;

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    const char *family = argv[2];
    path = argv[1];
    fd = open_file(path);
    must(lock_file(family, fd, 0, 0) == 0 && unlock_file(family, fd) == 0, "lock");
    int release[2];
    must(pipe2(release, O_CLOEXEC) == 0, "pipe");
    const pid_t child = fork();
    if (child == 0) {
        char word = 0;
        close(release[1]);
        _exit(read(release[0], &word, 1) != 0);
    }
    must(child > 0 && lock_file(family, fd, 0, 0) == 0, "fork, lock");
    checkpoint("both have it", path);
    must(close(fd) == 0, "close");
    checkpoint("the child has it", path);
    int status = -1;
    close(release[1]);
    must(waitpid(child, &status, 0) == child && status == 0, "child");
    checkpoint("nobody has it", path);
    return 0;
}
