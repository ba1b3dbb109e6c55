// How long a command takes from start to end, bare and with an object preloaded, in alternation.
//
//   starts ROUNDS LIBRARY COMMAND [ARG...]
//
// Prints a line a round: nanoseconds bare, nanoseconds preloaded. Which of the two goes first changes every
// round.

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void must(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "starts: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long run(char **command, char **environment) {
    pid_t child = 0;
    int status = 0;
    const long long start = now_ns();
    errno = posix_spawnp(&child, command[0], NULL, NULL, command, environment);
    must(errno == 0, command[0]);
    while (waitpid(child, &status, 0) != child)
        must(errno == EINTR, "waitpid");
    const long long end = now_ns();
    must(status == 0, "the command failed");
    return end - start;
}

int main(int argc, char **argv) {
    must(argc >= 4, "usage: starts ROUNDS LIBRARY COMMAND [ARG...]");
    int count = 0;
    while (environ[count] != NULL)
        ++count;
    char **preloaded = calloc((size_t)count + 2, sizeof *preloaded);
    char *variable = malloc(strlen(argv[2]) + sizeof "LD_PRELOAD=");
    must(preloaded != NULL && variable != NULL, "memory");
    strcpy(stpcpy(variable, "LD_PRELOAD="), argv[2]);
    memcpy(preloaded, environ, (size_t)count * sizeof *preloaded);
    preloaded[count] = variable;
    for (long i = 0; i < atol(argv[1]); ++i) {
        long long ns[2];
        for (int turn = 0; turn < 2; ++turn) {
            const int with = (turn + (int)i) % 2;
            ns[with] = run(argv + 3, with ? preloaded : environ);
        }
        printf("%lld %lld\n", ns[0], ns[1]);
    }
    return 0;
}
