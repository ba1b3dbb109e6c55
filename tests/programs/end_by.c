// end_by HOW PATH N: N flock pairs on PATH, one more lock, and then the end: return, exit, _exit, _Exit,
// quick_exit, abort, kill, segv, exec (of /bin/true).
#include <signal.h>

#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    int fd = open_file(argv[2]);
    for (long i = atol(argv[3]); i > 0; --i) {
        must(flock(fd, LOCK_EX) == 0, "lock");
        must(flock(fd, LOCK_UN) == 0, "unlock");
    }
    must(flock(fd, LOCK_EX) == 0, "lock");
    const char *how = argv[1];
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "_exit") == 0)
        _exit(3);
    if (strcmp(how, "_Exit") == 0)
        _Exit(3);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(3);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "exec") == 0)
        execl("/bin/true", "true", (char *)0);
    return 3;
}
