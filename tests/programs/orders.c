// orders FAMILY PATH SCRIPT...: each SCRIPT is done by a process of its own, one after the other, and then
// its locks are let go. "ab" locks PATH.a and then PATH.b; "~a" shared, "-a" unlocks, "a3" byte 3 (posix),
// "|" makes a child that does the rest.
#include "tell.h"

#include <ctype.h>
#include <sys/wait.h>

static const char *family, *path;
static int files[26];

static int file_of(char name) {
    char text[4096];
    if (files[name - 'a'] == 0) {
        snprintf(text, sizeof text, "%s.%c", path, name);
        files[name - 'a'] = open_file(text);
    }
    return files[name - 'a'];
}

static __attribute__((noinline)) void take(char name, int shared, const char *byte) {
    if (isdigit(*byte)) {
        struct flock range = range_of(shared ? F_RDLCK : F_WRLCK, *byte - '0', 1);
        must(fcntl(file_of(name), F_SETLKW, &range) == 0, "fcntl");
    } else {
        must(lock_file(family, file_of(name), shared, 1) == 0, "lock");
    }
}

static void await(pid_t child) {
    int status;
    must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child");
}

static void act(const char *script) {
    for (; *script != 0; ++script) {
        if (*script == '|') {
            const pid_t child = fork();
            if (child != 0) {
                await(child);
                return;
            }
        } else if (*script == '-') {
            must(unlock_file(family, file_of(*++script)) == 0, "unlock");
        } else if (*script == '~') {
            ++script;
            take(*script, 1, script + 1);
        } else if (islower(*script)) {
            take(*script, 0, script + 1);
        }
    }
}

int main(int argc, char **argv) {
    must(argc >= 4, "usage: orders FAMILY PATH SCRIPT...");
    family = argv[1];
    path = argv[2];
    for (int i = 3; i < argc; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            act(argv[i]);
            exit(0);
        }
        await(child);
    }
    return 0;
}
