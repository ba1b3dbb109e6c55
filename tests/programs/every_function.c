// build: -fno-builtin -Wno-nonnull
// every_function PATH: calls each function that flockstat stands in for, with a lock held where it matters,
// so that it succeeds and so that it fails. Prints a line for each: "NAME WHAT: result, errno (99 before the
// call), the number that open() gives next"; for those that do not return, how the child ended.
#include <dirent.h>
#include <dlfcn.h>
#include <linux/close_range.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tell.h"

extern char **environ;
static const char *path;

static int next_descriptor(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

static void show(const char *what, long result) {
    int error = errno;
    printf("%s: %ld, errno %d, next %d\n", what, result, error, next_descriptor());
    fflush(stdout);
}

#define TRY(what, call) (errno = 99, show(what, (long)(call)))

static int locked(void) {
    int fd = open_file(path);
    must(flock(fd, LOCK_SH) == 0, "lock");
    return fd;
}

static void lock_functions(void) {
    int fd = open_file(path);
    TRY("flock shared", flock(fd, LOCK_SH));
    TRY("flock exclusive", flock(fd, LOCK_EX));
    TRY("flock unlock", flock(fd, LOCK_UN));
    TRY("flock bad", flock(-1, LOCK_UN));
    struct flock range = range_of(F_WRLCK, 0, 9);
    TRY("fcntl lock", fcntl(fd, F_SETLKW, &range));
    TRY("fcntl64 test", fcntl64(fd, F_OFD_GETLK, &range));
    printf("fcntl64 found type %d at %ld by %d\n", range.l_type, (long)range.l_start,
           range.l_pid == getpid());
    TRY("fcntl64 flags", fcntl64(fd, F_GETFD));
    TRY("fcntl bad", fcntl(fd, F_SETLK, NULL));
    TRY("lockf lock", lockf(fd, F_LOCK, 5));
    TRY("lockf64 unlock", lockf64(fd, F_ULOCK, 5));
    TRY("lockf bad", lockf(fd, 99, 5));
    TRY("lockf64 bad", lockf64(-1, F_LOCK, 5));
    TRY("syscall lock", syscall(SYS_flock, fd, LOCK_EX));
    TRY("syscall other", syscall(SYS_getppid) == getppid());
    TRY("syscall close_range", syscall(SYS_close_range, fd, fd, 0));
    TRY("syscall bad", syscall(SYS_close, fd));
}

static void descriptor_functions(void) {
    int fd = locked();
    TRY("dup", dup(fd));
    TRY("dup bad", dup(-1));
    TRY("dup2", dup2(fd, 40));
    TRY("dup2 same", dup2(fd, fd));
    TRY("dup2 bad", dup2(-1, 40));
    TRY("dup3", dup3(fd, 41, O_CLOEXEC));
    TRY("dup3 bad", dup3(fd, fd, 0));
    TRY("close", close(fd));
    TRY("close bad", close(fd));
    TRY("close_range marks", close_range(40, 41, CLOSE_RANGE_CLOEXEC));
    TRY("close_range", close_range(40, 41, CLOSE_RANGE_UNSHARE));
    TRY("close_range bad", close_range(9, 3, 0));
    locked();
    errno = 99;
    closefrom(3);
    show("closefrom", 0);
    fd = locked();
    must(ftruncate(fd, 4096) == 0, "ftruncate");
    TRY("mmap", munmap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), 4096));
    TRY("mmap64", munmap(mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), 4096));
    TRY("mmap bad", mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    TRY("mmap64 bad", mmap64(NULL, 4096, PROT_READ, MAP_SHARED, -1, 0) == MAP_FAILED);
    close(fd);
}

static void message_functions(void) {
    int fd = locked(), pair[2];
    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
    char byte = 'x';
    struct iovec letter = {&byte, 1};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    struct mmsghdr letters = {
        .msg_hdr = {
            .msg_iov = &letter, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control}};
    TRY("sendmsg", sendmsg(pair[0], &letters.msg_hdr, 0));
    TRY("sendmmsg", sendmmsg(pair[0], &letters, 1, 0));
    TRY("recvmsg", recvmsg(pair[1], &letters.msg_hdr, 0));
    TRY("recvmmsg", recvmmsg(pair[1], &letters, 1, 0, NULL));
    TRY("sendmsg bad", sendmsg(pair[0], NULL, 0));
    TRY("sendmmsg bad", sendmmsg(-1, &letters, 1, 0));
    TRY("recvmsg bad", recvmsg(pair[1], NULL, MSG_DONTWAIT));
    TRY("recvmmsg bad", recvmmsg(pair[1], &letters, 1, MSG_DONTWAIT, NULL));
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    TRY("pidfd_getfd", pidfd_getfd(self, fd, 0));
    TRY("pidfd_getfd bad", pidfd_getfd(-1, fd, 0));
    TRY("syscall pidfd_getfd", syscall(SYS_pidfd_getfd, self, fd, 0));
    closefrom(3);
}

static void stream_functions(void) {
    TRY("fclose", fclose(fdopen(locked(), "r+")));
    FILE *stream = freopen(path, "r", fdopen(locked(), "r+"));
    TRY("freopen", stream != NULL && fileno(stream));
    stream = freopen64("/dev/null", "r", stream);
    TRY("freopen64", stream != NULL && fileno(stream));
    TRY("freopen bad", freopen("/nowhere/at/all", "r", stream) == NULL);
    FILE *pipe_end = NULL;
    TRY("popen", (pipe_end = popen("exit 3", "r")) != NULL);
    TRY("pclose", pclose(pipe_end));
    TRY("popen bad", popen("true", "neither") != NULL);
    DIR *directory = opendir(".");
    must(flock(dirfd(directory), LOCK_EX) == 0, "lock");
    TRY("closedir", closedir(directory));
    TRY("closedir bad", closedir(NULL));
    TRY("endmntent", endmntent(setmntent("/proc/self/mounts", "r")));
    TRY("dlclose", dlclose(dlopen(NULL, RTLD_NOW)));
}

// For the functions that do not return where they work: in a child.
static int in_child(void) {
    fflush(stdout);
    return fork() == 0;
}

static void show_end(const char *what) {
    int status = -1;
    must(wait(&status) > 0, "wait");
    printf("%s: status %d signal %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void ends(void) {
    locked();
    if (in_child())
        _exit(4);
    show_end("_exit");
    if (in_child())
        _Exit(5);
    show_end("_Exit");
    if (in_child())
        quick_exit(6);
    show_end("quick_exit");
    pid_t child = vfork();
    if (child == 0)
        _exit(7);
    show_end("vfork");
}

#define EXEC(what, call)  \
    do {                  \
        if (in_child()) { \
            call;         \
            _exit(99);    \
        }                 \
        show_end(what);   \
    } while (0)

static void execs(void) {
    char *const arguments[] = {"sh", "-c", "echo \"new image: $0 $X\"; exit 8", "a", NULL};
    char *const environment[] = {"X=y", NULL};
    EXEC("execve", execve("/bin/sh", arguments, environment));
    EXEC("execv", execv("/bin/sh", arguments));
    EXEC("execvp", execvp("sh", arguments));
    EXEC("execvpe", execvpe("sh", arguments, environment));
    EXEC("fexecve", fexecve(open("/bin/sh", O_RDONLY), arguments, environment));
    EXEC("execveat", execveat(AT_FDCWD, "/bin/sh", arguments, environment, 0));
    EXEC("raw execve", syscall(SYS_execve, "/bin/sh", arguments, environment));
    EXEC("raw execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/sh", arguments, environment, 0));
    EXEC("execl", execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL));
    EXEC("execlp", execlp("sh", "sh", "-c", "exit 10", (char *)NULL));
    EXEC("execle", execle("/bin/sh", "sh", "-c", "exit $X", (char *)NULL, (char *[]){"X=11", NULL}));
    TRY("execve bad", execve("/nowhere", arguments, environment));
    TRY("execv bad", execv("/nowhere", arguments));
    TRY("execvp bad", execvp("no-such-program", arguments));
    TRY("execvpe bad", execvpe("no-such-program", arguments, environment));
    TRY("fexecve bad", fexecve(-1, arguments, environment));
    TRY("execveat bad", execveat(AT_FDCWD, "/nowhere", arguments, environment, 0));
    TRY("raw execve bad", (int)syscall(SYS_execve, "/nowhere", arguments, environment));
    TRY("execl bad", execl("/nowhere", "x", (char *)NULL));
    TRY("execlp bad", execlp("no-such-program", "x", (char *)NULL));
    TRY("execle bad", execle("/nowhere", "x", (char *)NULL, environment));
}

static int clone_child(void *unused) {
    (void)unused;
    _exit(13);
}

static void starts(void) {
    char *const arguments[] = {"sh", "-c", "exit 12", NULL};
    pid_t child = -1;
    locked();
    TRY("system", system("exit 3"));
    TRY("posix_spawn", posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ));
    show_end("posix_spawn");
    TRY("posix_spawn bad", posix_spawn(&child, "/nowhere", NULL, NULL, arguments, environ));
    TRY("posix_spawnp", posix_spawnp(&child, "sh", NULL, NULL, arguments, environ));
    show_end("posix_spawnp");
    TRY("posix_spawnp bad", posix_spawnp(&child, "nowhere", NULL, NULL, arguments, environ));
    static char stack[1 << 16];
    child = clone(clone_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    show_end("clone");
    TRY("clone bad", clone(clone_child, stack + sizeof stack, CLONE_THREAD, NULL));
    int told[2];
    char word = 0;
    must(pipe(told) == 0, "pipe");
    if (in_child()) // its parent is gone when it says its word
        _exit(daemon(1, 1) != 0 || write(told[1], "d", 1) != 1);
    show_end("daemon");
    close(told[1]);
    must(read(told[0], &word, 1) == 1, "read");
    printf("daemon says %c\n", word);
    must(read(told[0], &word, 1) == 0, "read"); // it is gone, too
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    path = argv[1];
    lock_functions();
    descriptor_functions();
    message_functions();
    stream_functions();
    ends();
    execs();
    starts();
    return 0;
}
