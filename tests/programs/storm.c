// storm PATH OTHER MILLISECONDS: for that long main locks, converts, duplicates, unlocks and closes PATH in
// every family while a timer's handler does the same with OTHER, from opening to closing, and unlocks what
// main may hold through a descriptor of its own. Prints how often each was granted a flock and a posix lock:
// "main FLOCK POSIX" and "handler FLOCK POSIX".
#include <signal.h>
#include <sys/time.h>

#include "tell.h"

static const char *other;
static int watched;
static volatile long in_main[2], in_handler[2];

// Again and again, but not before main went on for a while.
static void ring_once(void) {
    long next = in_handler[1] % 97 + 150;
    struct itimerval once = {{0, 0}, {0, next}};
    must(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
}

static int with_posix(int fd) { return lock_file("posix", fd, 0, 0) == 0 && unlock_file("posix", fd) == 0; }

static void on_alarm(int number) {
    (void)number;
    int saved = errno;
    int fd = open_file(other);
    must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_SH) == 0, "flock in the handler");
    int copy = dup(fd);
    must(copy >= 0 && close(fd) == 0 && flock(copy, LOCK_UN) == 0, "unlock in the handler");
    must(with_posix(copy) && flock(copy, LOCK_EX) == 0 && close(copy) == 0, "close in the handler");
    in_handler[0] += 3;
    ++in_handler[1];
    flock(watched, LOCK_UN);
    ring_once();
    errno = saved;
}

static void work(const char *path) {
    int fd = open_file(path);
    must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_SH) == 0, "flock");
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    must(copy >= 0 && flock(copy, LOCK_UN) == 0 && with_posix(fd), "posix");
    must(lock_file("ofd", copy, 1, 1) == 0 && close(copy) == 0 && flock(fd, LOCK_SH) == 0, "ofd");
    must(close(fd) == 0 && flock(watched, LOCK_EX) == 0, "close");
    in_main[0] += 4;
    ++in_main[1];
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    other = argv[2];
    watched = open_file(argv[1]);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    struct itimerval never = {{0, 0}, {0, 0}};
    ring_once();
    long long end = now_ns() + atol(argv[3]) * 1000000LL;
    while (now_ns() < end) {
        work(argv[1]);
        flock(watched, LOCK_UN);
    }
    must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
    close(watched);
    printf("main %ld %ld\nhandler %ld %ld\n", in_main[0], in_main[1], in_handler[0], in_handler[1]);
    return 0;
}
