// vfork_child PATH: children of vfork that lock, unlock, duplicate and close in their parent's memory, then
// exit or exec; the parent's own locks before, between and after.
#include <sys/wait.h>

#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    int fd = open_file(argv[1]);
    for (int i = 0; i < 50; ++i) {
        must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "lock");
        pid_t child = vfork();
        if (child == 0) {
            int copy = dup(fd);
            int bad = flock(copy, LOCK_SH) | flock(copy, LOCK_UN) | close(copy);
            if (i % 2 == 0)
                execl("/bin/true", "true", (char *)NULL);
            _exit(bad);
        }
        int status = -1;
        must(waitpid(child, &status, 0) == child, "waitpid");
        if (status != 0)
            printf("status %d\n", status);
    }
    must(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "lock");
    say("done");
    return 0;
}
