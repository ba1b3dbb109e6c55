// duplicates CASE:WAY PATH OTHER: descriptors that are duplicates of one another, made in all WAYs. Which
// CASEs there are stands at the functions. OTHER is a second file.
#include <sys/socket.h>

#include "kernel_view.h"

static const char *path, *other;

static int locked(const char *name) {
    int fd = open_file(name);
    must(flock(fd, LOCK_EX) == 0, "flock");
    return fd;
}

// How to make a duplicate.
static int by_dup(int fd) { return dup(fd); }
static int by_dup2(int fd) { return dup2(fd, 70); }
static int by_dup3(int fd) { return dup3(fd, 71, O_CLOEXEC); }
static int by_dupfd(int fd) { return fcntl(fd, F_DUPFD, 72); }
static int by_dupfd_cloexec(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 73); }
static int by_fcntl64(int fd) { return fcntl64(fd, F_DUPFD_CLOEXEC, 74); }
static int by_syscall_dup(int fd) { return (int)syscall(SYS_dup, fd); }
static int by_syscall_dup2(int fd) { return (int)syscall(SYS_dup2, fd, 75); }
static int by_syscall_dup3(int fd) { return (int)syscall(SYS_dup3, fd, 76, 0); }
static int by_syscall_fcntl(int fd) { return (int)syscall(SYS_fcntl, fd, F_DUPFD, 77); }
static int by_unseen_call(int fd) { return (int)raw_call(SYS_dup, fd, 0, 0); }
static int by_pidfd(int fd) {
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int copy = (int)syscall(SYS_pidfd_getfd, self, fd, 0);
    close(self);
    return copy;
}

static int by_message(int fd) {
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    char space[CMSG_SPACE(sizeof fd)] = {0}, byte = 'x';
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    must(sendmsg(ends[0], &message, 0) == 1 && recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC) == 1, "message");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    close(ends[0]);
    close(ends[1]);
    return fd;
}

static const struct {
    const char *name;
    int (*make)(int fd);
} ways[] = {
    {"dup", by_dup},
    {"dup2", by_dup2},
    {"dup3", by_dup3},
    {"F_DUPFD", by_dupfd},
    {"F_DUPFD_CLOEXEC", by_dupfd_cloexec},
    {"fcntl64", by_fcntl64},
    {"SYS_dup", by_syscall_dup},
    {"SYS_dup2", by_syscall_dup2},
    {"SYS_dup3", by_syscall_dup3},
    {"SYS_fcntl", by_syscall_fcntl},
    {"unseen", by_unseen_call},
    {"pidfd_getfd", by_pidfd},
    {"SCM_RIGHTS", by_message},
};

// close: a duplicate keeps the lock until it is closed, too.
static void case_close(int (*make)(int)) {
    int fd = locked(path), copy = make(fd);
    must(copy >= 0 && close(fd) == 0, "close");
    checkpoint("one left", path);
    close(copy);
    checkpoint("none left", path);
}

// unlock: a duplicate unlocks.
static void case_unlock(int (*make)(int)) {
    int copy = make(locked(path));
    must(flock(copy, LOCK_UN) == 0, "unlock");
    checkpoint("unlocked", path);
}

// first: a duplicate from before the first lock call.
static void case_first(int (*make)(int)) {
    int fd = open_file(path), copy = make(fd);
    must(flock(copy, LOCK_EX) == 0 && close(copy) == 0, "lock, close");
    checkpoint("one left", path);
    must(flock(fd, LOCK_UN) == 0, "unlock");
    checkpoint("unlocked", path);
}

// later: both were used in lock calls before either held anything.
static void case_later(int (*make)(int)) {
    int fd = open_file(path), copy = make(fd);
    must(flock(fd, LOCK_UN) == 0 && flock(copy, LOCK_UN) == 0, "unlock");
    must(flock(fd, LOCK_EX) == 0 && flock(copy, LOCK_SH) == 0, "lock, convert");
    checkpoint("shared", path);
    must(flock(fd, LOCK_UN) == 0, "unlock");
    checkpoint("unlocked", path);
}

// ofd: the same for an ofd lock, through both.
static void case_ofd(int (*make)(int)) {
    int fd = open_file(path), copy = make(fd);
    must(lock_file("ofd", fd, 0, 0) == 0 && lock_file("ofd", copy, 1, 0) == 0, "lock, convert");
    close(fd);
    checkpoint("shared", path);
    must(unlock_file("ofd", copy) == 0, "unlock");
    checkpoint("unlocked", path);
}

// onto: what the number was before is closed.
static void case_onto(int (*onto)(int, int)) {
    int fd = locked(path), gone = locked(other);
    must(onto(fd, gone) == gone, "duplicate onto");
    checkpoint("other's is gone", other);
    close(fd);
    checkpoint("two before", path);
    must(flock(gone, LOCK_UN) == 0, "unlock");
    checkpoint("unlocked", path);
}
static int onto_dup2(int from, int to) { return dup2(from, to); }
static int onto_dup3(int from, int to) { return dup3(from, to, 0); }
static int onto_syscall_dup2(int from, int to) { return (int)syscall(SYS_dup2, from, to); }
static int onto_syscall_dup3(int from, int to) { return (int)syscall(SYS_dup3, from, to, O_CLOEXEC); }

static const struct {
    const char *name;
    int (*make)(int, int);
} onto_ways[] = {
    {"dup2", onto_dup2},
    {"dup3", onto_dup3},
    {"SYS_dup2", onto_syscall_dup2},
    {"SYS_dup3", onto_syscall_dup3},
};

static const struct {
    const char *name;
    void (*run)(int (*make)(int));
} cases[] = {
    {"close", case_close}, {"unlock", case_unlock}, {"first", case_first},
    {"later", case_later}, {"ofd", case_ofd},
};

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    char *way = strchr(argv[1], ':');
    must(way != NULL, "CASE:WAY");
    *way++ = 0;
    path = argv[2];
    other = argv[3];
    if (strcmp(argv[1], "onto") == 0) {
        for (size_t i = 0; i < sizeof onto_ways / sizeof *onto_ways; ++i) {
            if (strcmp(way, onto_ways[i].name) == 0)
                return case_onto(onto_ways[i].make), 0;
        }
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
            if (strcmp(argv[1], cases[c].name) == 0 && strcmp(way, ways[i].name) == 0)
                return cases[c].run(ways[i].make), 0;
        }
    }
    return 91;
}
