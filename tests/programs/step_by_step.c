// step_by_step PATH: says "ready"; for each word on stdin does 5 flock pairs and says "done"; ends with its
// input.
#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    int fd = open_file(argv[1]);
    say("ready");
    char c = 0;
    while (read(0, &c, 1) == 1) {
        if (c != '\n')
            continue;
        for (int i = 0; i < 5; ++i) {
            must(flock(fd, LOCK_EX) == 0, "lock");
            must(flock(fd, LOCK_UN) == 0, "unlock");
        }
        say("done");
    }
    return 0;
}
