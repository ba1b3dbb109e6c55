// tight_limits PATH LIMIT: locks in a place that allows little: LIMIT is nofile (no further descriptor),
// fsize (SIGXFSZ on any write), as (little address space), memlock (no locked memory), chroot (an empty
// root), uid (nobody's), userns (a user namespace without a map), eperm or enosys (a seccomp filter that
// answers so to all but flock, close and the end), deny:NUMBER (one that answers EPERM to that system call
// alone), or none. Ends with 4 + the number of lock calls that failed.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tell.h"

static void limit(__rlimit_resource_t what, rlim_t value) {
    struct rlimit both = {value, value};
    must(setrlimit(what, &both) == 0, "setrlimit");
}

static void set_filter(struct sock_filter *filter, unsigned short length) {
    struct sock_fprog program = {length, filter};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static void deny_all_else(unsigned error) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

static void deny_one(unsigned number) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

static void enter(const char *what, int fd) {
    if (strcmp(what, "nofile") == 0)
        limit(RLIMIT_NOFILE, (rlim_t)fd + 1);
    if (strcmp(what, "fsize") == 0)
        limit(RLIMIT_FSIZE, 0);
    if (strcmp(what, "as") == 0)
        limit(RLIMIT_AS, 48 << 20);
    if (strcmp(what, "memlock") == 0)
        limit(RLIMIT_MEMLOCK, 0);
    if (strcmp(what, "userns") == 0 || (strcmp(what, "chroot") == 0 && geteuid() != 0))
        must(unshare(CLONE_NEWUSER) == 0, "unshare");
    if (strcmp(what, "chroot") == 0)
        must(mkdir("empty", 0700) == 0 && chroot("empty") == 0 && chdir("/") == 0, "chroot");
    if (strcmp(what, "uid") == 0 && geteuid() == 0)
        must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
    if (strcmp(what, "eperm") == 0)
        deny_all_else(EPERM);
    if (strcmp(what, "enosys") == 0)
        deny_all_else(ENOSYS);
    if (strncmp(what, "deny:", 5) == 0)
        deny_one((unsigned)atoi(what + 5));
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    int fd = open_file(argv[1]);
    enter(argv[2], fd);
    int failures = 0;
    for (int i = 0; i < 3; ++i)
        failures += (flock(fd, LOCK_EX) != 0) + (flock(fd, LOCK_UN) != 0);
    close(fd);
    return 4 + failures;
}
