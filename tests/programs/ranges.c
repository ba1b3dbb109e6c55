// ranges FAMILY PATH STEP...: byte-range requests on one descriptor. A step is r, w or u (read, write,
// unlock), the first byte, "-" and the byte after the last: w0-100. "c" opens and closes the file once more,
// which drops all posix locks.
#include "tell.h"

int main(int argc, char **argv) {
    int ofd = strcmp(argv[1], "ofd") == 0;
    int fd = open_file(argv[2]);
    for (int i = 3; i < argc; ++i) {
        if (argv[i][0] == 'c') {
            must(close(open_file(argv[2])) == 0, "close");
            continue;
        }
        char *rest = NULL;
        long begin = strtol(argv[i] + 1, &rest, 10);
        long end = strtol(rest + 1, NULL, 10);
        short type = argv[i][0] == 'r' ? F_RDLCK : argv[i][0] == 'w' ? F_WRLCK : F_UNLCK;
        struct flock range = range_of(type, begin, end - begin);
        must(fcntl(fd, ofd ? F_OFD_SETLK : F_SETLK, &range) == 0, argv[i]);
    }
    return 0;
}
