// entry_points ENTRY PATH: through one entry point (flock, fcntl, fcntl64, lockf, lockf64, syscall_flock,
// syscall_fcntl; the fcntl ones with _ofd for OFD locks) does
//   3 exclusive blocking and 2 shared non-blocking locks, each unlocked (lockf has no shared mode: 2
//   exclusive); 2 refused non-blocking locks while another process holds the file, and 2 tests where the
//   entry has them; 1 lock interrupted by a signal without SA_RESTART.
// The other process takes and drops the lock once, through the same entry point. So in all:
// attempts 9 (6 granted, 2 refused, 1 interrupted), unlocks 6, tests 2 (flock: none).
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tell.h"

static const char *entry;
static int ofd;

static int is(const char *prefix) {
    return strncmp(entry, prefix, strlen(prefix)) == 0 &&
           (entry[strlen(prefix)] == 0 || entry[strlen(prefix)] == '_');
}

static int call_fcntl(int fd, int command, struct flock *range) {
    if (is("syscall_fcntl"))
        return (int)syscall(SYS_fcntl, fd, command, range);
    if (is("fcntl64"))
        return fcntl64(fd, command, range);
    return fcntl(fd, command, range);
}

static int lock(int fd, short type, int block) {
    int operation = type == F_UNLCK ? LOCK_UN : (type == F_RDLCK ? LOCK_SH : LOCK_EX) | (block ? 0 : LOCK_NB);
    if (is("flock"))
        return flock(fd, operation);
    if (is("syscall_flock"))
        return (int)syscall(SYS_flock, fd, operation);
    int function = type == F_UNLCK ? F_ULOCK : block ? F_LOCK : F_TLOCK;
    if (is("lockf"))
        return lockf(fd, function, 0);
    if (is("lockf64"))
        return lockf64(fd, function, 0);
    struct flock range = range_of(type, 0, 0);
    if (ofd)
        return call_fcntl(fd, block && type != F_UNLCK ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    return call_fcntl(fd, block && type != F_UNLCK ? F_SETLKW : F_SETLK, &range);
}

// 1 when the test says that somebody else holds it.
static int test_taken(int fd) {
    if (is("lockf"))
        return lockf(fd, F_TEST, 0) != 0;
    if (is("lockf64"))
        return lockf64(fd, F_TEST, 0) != 0;
    struct flock range = range_of(F_WRLCK, 0, 0);
    must(call_fcntl(fd, ofd ? F_OFD_GETLK : F_GETLK, &range) == 0, "test");
    return range.l_type != F_UNLCK;
}

static void on_alarm(int signal) { (void)signal; }

// A timer that fires again and again: one that fires once could do so before the call blocks.
static void interrupt_every_ms(long ms) {
    struct sigaction action = {.sa_handler = on_alarm};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    struct itimerval every = {{ms / 1000, (ms % 1000) * 1000}, {ms / 1000, (ms % 1000) * 1000}};
    must(setitimer(ITIMER_REAL, &every, NULL) == 0, "setitimer");
}

static pid_t start_holder(const char *path, int *release) {
    int held[2], drop[2];
    must(pipe(held) == 0 && pipe(drop) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        close(drop[1]);
        int fd = open_file(path);
        must(lock(fd, F_WRLCK, 1) == 0, "holder's lock");
        must(write(held[1], "h", 1) == 1, "write");
        char c = 0;
        while (read(drop[0], &c, 1) > 0) {}
        must(lock(fd, F_UNLCK, 1) == 0, "holder's unlock");
        exit(0);
    }
    char c = 0;
    must(read(held[0], &c, 1) == 1, "read");
    *release = drop[1];
    return child;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    entry = argv[1];
    ofd = strstr(entry, "_ofd") != NULL;
    int fd = open_file(argv[2]);
    for (int i = 0; i < 5; ++i) {
        must(lock(fd, i < 3 ? F_WRLCK : F_RDLCK, i < 3) == 0, "lock");
        must(lock(fd, F_UNLCK, 1) == 0, "unlock");
    }
    int release = -1;
    pid_t holder = start_holder(argv[2], &release);
    for (int i = 0; i < 2; ++i) {
        must(lock(fd, F_WRLCK, 0) == -1 && (errno == EAGAIN || errno == EACCES), "refusal");
        if (!is("flock") && !is("syscall_flock"))
            must(test_taken(fd), "test");
    }
    interrupt_every_ms(50);
    must(lock(fd, F_WRLCK, 1) == -1 && errno == EINTR, "interruption");
    struct itimerval never = {{0, 0}, {0, 0}};
    must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
    close(release);
    int status = 0;
    must(waitpid(holder, &status, 0) == holder && status == 0, "holder");
    return 0;
}
