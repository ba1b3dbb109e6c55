// vfork_locks MAKER END WHAT PATH OTHER FAMILY: holds PATH and OTHER, and has a child that runs in its
// memory, made by MAKER (vfork; clone; lent or syscall: a clone that does not stop its parent), do WHAT with
// them before it ends by END (exit, exec). Tells what the kernel holds of both before and after, then unlocks
// both.
//   unlock, relock (shared)    through the descriptor that is its parent's too
//   unlock_copy                through a duplicate of its own
//   close, close_all           its own descriptors
//   dup2                       makes PATH's number OTHER's, and unlocks that
//   reopen                     locks and unlocks PATH through an open file of its own that has the same
//   number
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "kernel_view.h"

static const char *ending, *what, *path, *family;
static int fd, other;

static int is(const char *word) { return strcmp(what, word) == 0; }

static int act(void) {
    if (is("unlock"))
        return unlock_file(family, fd);
    if (is("relock"))
        return lock_file(family, fd, 1, 0);
    if (is("unlock_copy")) {
        const int copy = dup(fd);
        return unlock_file(family, copy) | close(copy);
    }
    if (is("close"))
        return close(fd);
    if (is("close_all"))
        return close_range(3, ~0U, 0);
    if (is("dup2"))
        return dup2(other, fd) != fd || unlock_file(family, fd);
    if (is("reopen"))
        return close(fd) != 0 || open(path, O_RDWR) != fd || lock_file(family, fd, 1, 0) == 0 ||
               unlock_file(family, fd);
    return 1;
}

static int be_child(void *unused) {
    (void)unused;
    const int bad = act() != 0;
    if (!bad && strcmp(ending, "exec") == 0)
        execl("/bin/true", "true", (char *)NULL);
    _exit(bad);
}

static void be_first_child(void) { be_child(NULL); }

static pid_t make_child(const char *maker) {
    static char stack[1 << 18] __attribute__((aligned(16)));
    char *top = stack + sizeof stack;
    if (strcmp(maker, "clone") == 0)
        return clone(be_child, top, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (strcmp(maker, "lent") == 0)
        return clone(be_child, top, CLONE_VM | SIGCHLD, NULL);
    if (strcmp(maker, "syscall") == 0) { // the child returns to what is on its stack
        void **first = (void **)(void *)top - 2;
        *first = (void *)be_first_child;
        return (pid_t)syscall(SYS_clone, CLONE_VM | SIGCHLD, first, 0, 0, 0);
    }
    const pid_t child = vfork();
    if (child == 0)
        be_child(NULL);
    return child;
}

int main(int argc, char **argv) {
    if (argc != 7)
        return 91;
    ending = argv[2], what = argv[3], path = argv[4], family = argv[6];
    fd = open_file(path);
    other = open_file(argv[5]);
    must(lock_file(family, fd, 0, 1) == 0 && lock_file(family, other, 0, 1) == 0, "lock");
    checkpoint("locked", path);
    const pid_t child = make_child(argv[1]);
    int status = -1;
    must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child");
    checkpoint("after the child", path);
    checkpoint("after the child", argv[5]);
    must(unlock_file(family, fd) == 0 && unlock_file(family, other) == 0, "unlock");
    checkpoint("unlocked", path);
    checkpoint("unlocked", argv[5]);
    return 0;
}
