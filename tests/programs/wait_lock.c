// wait_lock FAMILY PATH: says "waiting", takes the lock (blocking) and says how long that took, by its own
// clock.
#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    int fd = open_file(argv[2]);
    say("waiting");
    long long started = now_ns();
    int result = lock_file(argv[1], fd, 0, 1);
    long long waited = now_ns() - started;
    must(result == 0, "lock");
    printf("%lld\n", waited);
    must(unlock_file(argv[1], fd) == 0, "unlock");
    return 0;
}
