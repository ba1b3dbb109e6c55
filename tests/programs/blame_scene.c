// blame_scene FAMILY PATH readers|ring: processes that make each other wait. Each stay in a lock is printed
// as the name of the function that got it, the file, "shared" or "exclusive", and when it was asked for, got
// and let go.
//   readers: reader_a and reader_b share PATH, writer waits for both, and late_reader for the writer.
//   ring: three processes each `have` PATH.N and `want` the next one's. The last one asks again and again,
//   and lets go of what it has after a while, so that one after the other gets what it wants.
#include "tell.h"

#include <sys/wait.h>

struct stay {
    const char *name;
    char path[4096];
    int fd, shared;
    long long asked, got;
};

static const char *family, *path;
static int told[2], go[2]; // bytes to the parent, and from it

static void tell_parent(void) { must(write(told[1], "x", 1) == 1, "write"); }
static void await(int pipe_end) {
    char c;
    must(read(pipe_end, &c, 1) == 1, "read");
}

#define LOCKING_FUNCTION(name)                                                 \
    __attribute__((noinline)) static int name(int fd, int shared, int block) { \
        const int result = lock_file(family, fd, shared, block);               \
        __asm__ volatile("" : : "r"(#name) : "memory");                        \
        return result;                                                         \
    }
LOCKING_FUNCTION(reader_a)
LOCKING_FUNCTION(reader_b)
LOCKING_FUNCTION(writer)
LOCKING_FUNCTION(late_reader)
LOCKING_FUNCTION(have)
LOCKING_FUNCTION(want)

typedef int locking(int fd, int shared, int block);

static void enter(struct stay *stay, const char *name, locking *lock, int shared) {
    stay->name = name;
    stay->shared = shared;
    stay->fd = open_file(stay->path);
    stay->asked = now_ns();
    must(lock(stay->fd, shared, 1) == 0, name);
    stay->got = now_ns();
}

static void leave(const struct stay *stay) {
    const long long let_go = now_ns();
    must(unlock_file(family, stay->fd) == 0, "unlock");
    char line[4400];
    const int length = snprintf(line, sizeof line, "%s %s %s %lld %lld %lld\n", stay->name, stay->path,
                                stay->shared ? "shared" : "exclusive", stay->asked, stay->got, let_go);
    must(write(1, line, (size_t)length) == length, "write");
}

// Of `readers`: one process, which asks when the one before it has, and has got, or is about to wait.
static void visit(const char *name, locking *lock, int shared, int waits, long keep_ms) {
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        struct stay stay;
        snprintf(stay.path, sizeof stay.path, "%s", path);
        if (waits)
            tell_parent();
        enter(&stay, name, lock, shared);
        tell_parent();
        sleep_ms(keep_ms);
        leave(&stay);
        exit(0);
    }
    await(told[0]);
}

static void readers(void) {
    visit("reader_a", reader_a, 1, 0, 300);
    visit("reader_b", reader_b, 1, 0, 150);
    visit("writer", writer, 0, 1, 100);
    await(told[0]); // the writer has got it
    visit("late_reader", late_reader, 1, 1, 10);
    await(told[0]);
}

// Asks again and again; after a while without what it has.
static void poll_for(struct stay *wanted, const struct stay *own) {
    const long long patience_ns = 150000000;
    int keeps_own = 1;
    wanted->name = "want";
    wanted->shared = 0;
    wanted->fd = open_file(wanted->path);
    wanted->asked = now_ns();
    while (want(wanted->fd, 0, 0) != 0) {
        must(errno == EAGAIN || errno == EACCES, "want");
        if (keeps_own && now_ns() - wanted->asked > patience_ns) {
            leave(own);
            keeps_own = 0;
        }
        sleep_ms(1);
    }
    wanted->got = now_ns();
}

static void stand(int number) {
    enum { count = 3 };
    struct stay own, wanted;
    snprintf(own.path, sizeof own.path, "%s.%d", path, number);
    snprintf(wanted.path, sizeof wanted.path, "%s.%d", path, (number + 1) % count);
    enter(&own, "have", have, 0);
    tell_parent();
    await(go[0]);
    if (number == count - 1) {
        poll_for(&wanted, &own);
        leave(&wanted);
    } else {
        enter(&wanted, "want", want, 0);
        sleep_ms(100);
        leave(&wanted);
        leave(&own);
    }
    exit(0);
}

static void ring(void) {
    for (int i = 0; i < 3; ++i) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            stand(i);
    }
    for (int i = 0; i < 3; ++i)
        await(told[0]);
    must(write(go[1], "xxx", 3) == 3, "write");
}

int main(int argc, char **argv) {
    must(argc == 4 && pipe(told) == 0 && pipe(go) == 0, "usage: blame_scene FAMILY PATH readers|ring");
    family = argv[1];
    path = argv[2];
    if (strcmp(argv[3], "ring") == 0)
        ring();
    else
        readers();
    for (int status = 0; wait(&status) > 0;)
        must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child");
    return 0;
}
