// hold FAMILY PATH [MS]: takes the lock and says "held"; after a word on stdin (and MS milliseconds) lets it
// go, says so and ends.
#include "tell.h"

int main(int argc, char **argv) {
    int fd = open_file(argv[2]);
    must(lock_file(argv[1], fd, 0, 1) == 0, "lock");
    say("held");
    await_word();
    if (argc > 3)
        sleep_ms(atol(argv[3]));
    long long when = now_ns();
    must(unlock_file(argv[1], fd) == 0, "unlock");
    printf("released %lld\n", when);
    return 0;
}
