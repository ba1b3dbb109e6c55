// build: -s
// stripped_site PATH: one flock call in a program without any symbol or line.
#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    int fd = open_file(argv[1]);
    return flock(fd, LOCK_EX);
}
