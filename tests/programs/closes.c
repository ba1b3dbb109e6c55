// closes CASE PATH OTHER: all that closes descriptors of files that the program locks, and what looks like
// it. A CASE "locked:WAY" or "stranger:WAY" closes in a WAY of the table. OTHER is a second file.
#include <dirent.h>
#include <linux/close_range.h>
#include <mntent.h>
#include <pthread.h>
#include <sys/mman.h>

#include "kernel_view.h"

static const char *path, *other;

static int locked(const char *name) {
    int fd = open_file(name);
    must(flock(fd, LOCK_EX) == 0, "flock");
    return fd;
}

static int posix_locked(const char *name) {
    int fd = open_file(name);
    must(lock_file("posix", fd, 0, 0) == 0, "posix lock");
    return fd;
}

// How to close one descriptor.
static void by_close(int fd) { must(close(fd) == 0, "close"); }
static void by_syscall_close(int fd) { must(syscall(SYS_close, fd) == 0, "close"); }
static void by_close_range(int fd) { must(close_range((unsigned)fd, (unsigned)fd, 0) == 0, "close_range"); }
static void by_unshare(int fd) {
    must(close_range((unsigned)fd, (unsigned)fd + 9, CLOSE_RANGE_UNSHARE) == 0, "close_range");
}
static void by_syscall_range(int fd) { must(syscall(SYS_close_range, fd, fd, 0) == 0, "close_range"); }
static void by_closefrom(int fd) { closefrom(fd); }
static void by_fclose(int fd) { must(fclose(fdopen(fd, "r+")) == 0, "fclose"); }
static void by_freopen(int fd) { must(freopen("/dev/null", "r", fdopen(fd, "r+")) != NULL, "freopen"); }
static void by_freopen64(int fd) { must(freopen64("/dev/null", "r", fdopen(fd, "r+")) != NULL, "freopen64"); }
static void by_endmntent(int fd) { must(endmntent(fdopen(fd, "r+")) == 1, "endmntent"); }
static void by_dup2_onto(int fd) { must(dup2(0, fd) == fd, "dup2"); }
static void by_dup3_onto(int fd) { must(dup3(0, fd, 0) == fd, "dup3"); }

static const struct {
    const char *name;
    void (*close)(int fd);
} ways[] = {
    {"close", by_close},
    {"SYS_close", by_syscall_close},
    {"close_range", by_close_range},
    {"CLOSE_RANGE_UNSHARE", by_unshare},
    {"SYS_close_range", by_syscall_range},
    {"closefrom", by_closefrom},
    {"fclose", by_fclose},
    {"freopen", by_freopen},
    {"freopen64", by_freopen64},
    {"endmntent", by_endmntent},
    {"dup2", by_dup2_onto},
    {"dup3", by_dup3_onto},
};

// locked: the last descriptor of an open file goes.
static void close_locked(void (*how)(int)) {
    int fd = locked(path);
    how(fd);
    checkpoint("closed", path);
}

// stranger: a descriptor of the file that was never locked through drops the posix locks.
static void close_stranger(void (*how)(int)) {
    posix_locked(path);
    int fd = open_file(path);
    checkpoint("held", path);
    how(fd);
    checkpoint("closed", path);
}

static void closes_at_exec(int by_number) {
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    must(flock(fd, LOCK_EX) == 0, "flock");
    int flags = CLOSE_RANGE_CLOEXEC;
    must((by_number ? (int)syscall(SYS_close_range, fd, fd, flags)
                    : close_range((unsigned)fd, (unsigned)fd, flags)) == 0,
         "close_range");
    checkpoint("held", path);
    execl("/bin/true", "true", (char *)NULL);
}
static void case_cloexec(void) { closes_at_exec(0); }
static void case_syscall_cloexec(void) { closes_at_exec(1); }

// A thread that closes all descriptors for itself alone.
static void *close_own(void *unused) {
    (void)unused;
    must(close_range(3, ~0U, CLOSE_RANGE_UNSHARE) == 0, "close_range");
    return NULL;
}
static void case_thread_unshares(void) {
    int fd = locked(path);
    pthread_t thread;
    must(pthread_create(&thread, NULL, close_own, NULL) == 0 && pthread_join(thread, NULL) == 0, "thread");
    checkpoint("held by the others", path);
    must(flock(fd, LOCK_UN) == 0, "unlock");
    checkpoint("unlocked", path);
}

static void case_pclose(void) {
    FILE *pipe = popen("cat > /dev/null", "w");
    int fd = locked(path);
    must(pipe != NULL && dup2(fd, fileno(pipe)) >= 0 && close(fd) == 0, "popen");
    checkpoint("held", path);
    must(pclose(pipe) == 0, "pclose");
    checkpoint("closed", path);
}

static void case_closedir(void) {
    must(mkdir(path, 0700) == 0, "mkdir");
    DIR *directory = opendir(path);
    must(directory != NULL && flock(dirfd(directory), LOCK_EX) == 0, "lock");
    checkpoint("held", path);
    must(closedir(directory) == 0, "closedir");
    checkpoint("closed", path);
}

// glibc's fcloseall flushes, and closes no descriptor.
static void case_fcloseall(void) {
    FILE *stream = fdopen(locked(path), "r+");
    must(stream != NULL && fcloseall() == 0, "fcloseall");
    checkpoint("held", path);
}

static void case_two_opens(void) {
    int one = open_file(path), two = open_file(path);
    must(flock(one, LOCK_SH) == 0 && flock(two, LOCK_SH) == 0, "flock");
    must(lock_file("ofd", one, 1, 0) == 0 && lock_file("ofd", two, 1, 0) == 0, "ofd");
    checkpoint("two owners", path);
    close(one);
    checkpoint("one owner", path);
    must(flock(two, LOCK_UN) == 0 && unlock_file("ofd", two) == 0, "unlock");
    must(lock_file("posix", two, 0, 0) == 0, "posix");
    checkpoint("posix", path);
    one = open_file(path);
    must(unlock_file("posix", one) == 0, "posix unlock");
    checkpoint("one posix owner", path);
}

// /proc/self/fd/N opens the file anew: another owner.
static void case_opened_again(void) {
    char name[64];
    int fd = locked(path);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = open_file(name);
    must(flock(again, LOCK_EX | LOCK_NB) == -1, "another owner");
    close(fd);
    checkpoint("closed", path);
    must(flock(again, LOCK_EX) == 0, "flock");
    checkpoint("again", path);
    must(flock(again, LOCK_UN) == 0, "unlock");
}

// A close that nobody sees, and the number given to another file.
static void case_unseen_close(void) {
    int fd = locked(path);
    raw_call(SYS_close, fd, 0, 0);
    must(open_file(other) == fd, "the same number");
    sleep_ms(11);
    must(flock(fd, LOCK_EX) == 0, "flock");
    checkpoint("gone", path);
    checkpoint("held", other);
    must(flock(fd, LOCK_UN) == 0, "unlock");
}

static void case_path_only(void) {
    int fd = posix_locked(path), name = open(path, O_PATH | O_CLOEXEC);
    close(name);
    checkpoint("held", path);
    must(unlock_file("posix", fd) == 0, "unlock");
    checkpoint("unlocked", path);
}

static void *map(int fd) {
    must(ftruncate(fd, 4096) == 0, "ftruncate");
    void *pages = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    must(pages != MAP_FAILED, "mmap");
    return pages;
}

static void case_mapped(void) {
    int fd = locked(path);
    void *pages = map(fd);
    close(fd);
    checkpoint("the mapping holds it", path);
    munmap(pages, 4096);
}

static void case_mapped_before(void) {
    int fd = open_file(path);
    void *pages = map(fd);
    must(lock_file("ofd", fd, 0, 0) == 0, "lock");
    close(fd);
    checkpoint("the mapping holds it", path);
    munmap(pages, 4096);
}

static void case_unmapped(void) {
    int fd = locked(path);
    munmap(map(fd), 4096);
    close(fd);
    checkpoint("closed", path);
}

static struct statx born(int fd) {
    struct statx facts;
    must(statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &facts) == 0, "statx");
    return facts;
}

// ext4 gives the number away at once; the clock of birth times ticks some hundred times a second.
static void case_reused_inode(void) {
    int fd = locked(path);
    struct statx old = born(fd), new = old;
    unlink(path);
    close(fd);
    while (new.stx_btime.tv_nsec == old.stx_btime.tv_nsec) {
        fd = open_file(path);
        new = born(fd);
        close(fd);
        if (new.stx_btime.tv_nsec == old.stx_btime.tv_nsec)
            unlink(path);
    }
    fd = locked(path);
    checkpoint("another file", path);
    must(flock(fd, LOCK_UN) == 0, "unlock");
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"CLOSE_RANGE_CLOEXEC", case_cloexec},
    {"SYS_close_range_CLOEXEC", case_syscall_cloexec},
    {"thread_unshares", case_thread_unshares},
    {"pclose", case_pclose},
    {"closedir", case_closedir},
    {"fcloseall", case_fcloseall},
    {"two_opens", case_two_opens},
    {"opened_again", case_opened_again},
    {"unseen_close", case_unseen_close},
    {"O_PATH", case_path_only},
    {"mapped", case_mapped},
    {"mapped_before", case_mapped_before},
    {"unmapped", case_unmapped},
    {"reused_inode", case_reused_inode},
};

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    path = argv[2];
    other = argv[3];
    const char *way = strchr(argv[1], ':');
    for (size_t i = 0; way == NULL && i < sizeof cases / sizeof *cases; ++i) {
        if (strcmp(argv[1], cases[i].name) == 0)
            return cases[i].run(), 0;
    }
    for (size_t i = 0; way != NULL && i < sizeof ways / sizeof *ways; ++i) {
        if (strcmp(way + 1, ways[i].name) == 0)
            return argv[1][0] == 'l' ? close_locked(ways[i].close) : close_stranger(ways[i].close), 0;
    }
    return 91;
}
