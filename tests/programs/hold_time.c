// hold_time FAMILY PATH MS: holds the lock for MS milliseconds and says for how long it did, by its own
// clock.
#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    int fd = open_file(argv[2]);
    must(lock_file(argv[1], fd, 0, 1) == 0, "lock");
    long long started = now_ns();
    sleep_ms(atol(argv[3]));
    long long held = now_ns() - started;
    must(unlock_file(argv[1], fd) == 0, "unlock");
    printf("%lld\n", held);
    return 0;
}
