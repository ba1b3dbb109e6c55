// release_by CAUSE FAMILY PATH: takes the lock and lets it go by unlock, close, dup (the last of two
// descriptors), exit, _exit, converted (to shared, then unlock), exec (close-on-exec), or leaves a child
// behind that holds it (still_held; for posix locks the child takes it itself) until a word on stdin.
#include "tell.h"

static int leave_child(const char *family, const char *path) {
    int tell[2];
    must(pipe(tell) == 0, "pipe");
    if (fork() == 0) {
        int fd = open_file(path);
        must(lock_file(family, fd, 0, 1) == 0, "lock");
        must(write(tell[1], "h", 1) == 1, "write");
        await_word();
        _exit(0);
    }
    char c = 0;
    must(read(tell[0], &c, 1) == 1, "read");
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    const char *cause = argv[1], *family = argv[2];
    if (strcmp(cause, "still_held") == 0)
        return leave_child(family, argv[3]);
    int fd = open_file(argv[3]);
    must(lock_file(family, fd, 0, 1) == 0, "lock");
    if (strcmp(cause, "unlock") == 0)
        return unlock_file(family, fd);
    if (strcmp(cause, "close") == 0)
        return close(fd);
    if (strcmp(cause, "dup") == 0)
        return close(dup(fd)) | close(fd);
    if (strcmp(cause, "converted") == 0)
        return lock_file(family, fd, 1, 1) | unlock_file(family, fd);
    if (strcmp(cause, "exec") == 0)
        execl("/bin/true", "true", (char *)0);
    if (strcmp(cause, "_exit") == 0)
        _exit(0);
    return 0;
}
