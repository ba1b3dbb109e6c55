// convoy FAMILY PATH: three processes, one after the other. `first` gets the lock; `second` and `third` want
// it meanwhile, `third` by polling in the family flock. Each keeps it for a while. Prints of each: its name,
// when it asked, when it got the lock, and when it let it go. Each locks in a function of its own name.
#include "tell.h"

#include <sys/wait.h>

struct times {
    long long asked, got, let_go;
};

static const char *family, *path;
static int go_on[2]; // a byte for the parent: the lock is held, or is about to be asked for

static int tell_parent(void) { return write(go_on[1], "x", 1) == 1; }

__attribute__((noinline)) static int first(int fd) { return lock_file(family, fd, 0, 1) + 0 * fd; }
__attribute__((noinline)) static int second(int fd) {
    __asm__ volatile("");
    return lock_file(family, fd, 0, 1);
}
__attribute__((noinline)) static int third(int fd) {
    __asm__ volatile("" : : : "memory");
    if (strcmp(family, "flock") != 0)
        return lock_file(family, fd, 0, 1);
    int result;
    while ((result = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK)
        sleep_ms(1);
    return result;
}

static void live(const char *name, int (*lock)(int), long keep_ms) {
    const int fd = open_file(path);
    const int is_first = lock == first;
    struct times t;
    must(is_first || tell_parent(), "write");
    t.asked = now_ns();
    must(lock(fd) == 0, name);
    t.got = now_ns();
    must(!is_first || tell_parent(), "write");
    sleep_ms(keep_ms);
    t.let_go = now_ns();
    must(unlock_file(family, fd) == 0, "unlock");
    char line[128];
    const int length = snprintf(line, sizeof line, "%s %lld %lld %lld\n", name, t.asked, t.got, t.let_go);
    must(write(1, line, (size_t)length) == length, "write");
    exit(0);
}

static void start(const char *name, int (*lock)(int), long keep_ms) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0)
        live(name, lock, keep_ms);
    char c;
    must(read(go_on[0], &c, 1) == 1, "read");
}

int main(int argc, char **argv) {
    must(argc == 3 && pipe(go_on) == 0, "usage: convoy FAMILY PATH");
    family = argv[1];
    path = argv[2];
    start("first", first, 300);
    start("second", second, 200);
    start("third", third, 50);
    for (int status = 0; wait(&status) > 0;)
        must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child");
    return 0;
}
