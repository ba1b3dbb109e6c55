#pragma once

// What the test programs share: a clock, words to the test on stdout, a word from it on stdin, and the same
// lock in every family. Compiled with -D_GNU_SOURCE.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static inline long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void sleep_ms(long ms) {
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

static inline void say(const char *word) {
    puts(word);
    fflush(stdout);
}

// Waits for one line, or for the end of the input. Reads byte by byte, so that a child does not lose what its
// parent buffered.
static inline void await_word(void) {
    char c = 0;
    while (read(0, &c, 1) == 1 && c != '\n') {}
}

static inline void must(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(90);
}

static inline int open_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    return fd;
}

static inline struct flock range_of(short type, long start, long length) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return range;
}

// family: flock, posix, ofd or lockf. Returns what the call returned.
static inline int lock_file(const char *family, int fd, int shared, int block) {
    struct flock range = range_of(shared ? F_RDLCK : F_WRLCK, 0, 0);
    if (strcmp(family, "flock") == 0)
        return flock(fd, (shared ? LOCK_SH : LOCK_EX) | (block ? 0 : LOCK_NB));
    if (strcmp(family, "posix") == 0)
        return fcntl(fd, block ? F_SETLKW : F_SETLK, &range);
    if (strcmp(family, "ofd") == 0)
        return fcntl(fd, block ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    return lockf(fd, block ? F_LOCK : F_TLOCK, 0);
}

static inline int unlock_file(const char *family, int fd) {
    struct flock range = range_of(F_UNLCK, 0, 0);
    if (strcmp(family, "flock") == 0)
        return flock(fd, LOCK_UN);
    if (strcmp(family, "posix") == 0)
        return fcntl(fd, F_SETLK, &range);
    if (strcmp(family, "ofd") == 0)
        return fcntl(fd, F_OFD_SETLK, &range);
    return lockf(fd, F_ULOCK, 0);
}
