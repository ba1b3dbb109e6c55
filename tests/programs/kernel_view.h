#pragma once

// What the kernel says about a program's locks, asked without any function that could be watched.

#include <sys/stat.h>
#include <sys/syscall.h>

#include "tell.h"

static inline long raw_call(long number, long a, long b, long c) {
    long result = 0;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

// The locks of one inode in /proc/locks, by kind, and the requests that wait for one ("->").
struct held {
    int flock, posix, ofd, waiting;
};

static inline void count_line(const char *line, unsigned long inode, struct held *held) {
    char kind[16], place[64];
    int waits = sscanf(line, "%*d: -> %15s %*s %*s %*d %63s", kind, place) == 2;
    if (!waits && sscanf(line, "%*d: %15s %*s %*s %*d %63s", kind, place) != 2)
        return;
    const char *number = strrchr(place, ':');
    if (number == NULL || strtoul(number + 1, NULL, 10) != inode)
        return;
    held->waiting += waits;
    held->flock += !waits && strcmp(kind, "FLOCK") == 0;
    held->posix += !waits && strcmp(kind, "POSIX") == 0;
    held->ofd += !waits && strcmp(kind, "OFDLCK") == 0;
}

static inline struct held read_held(const char *path) {
    static char text[1 << 20];
    struct stat facts;
    must(stat(path, &facts) == 0, path);
    long fd = raw_call(SYS_open, (long)"/proc/locks", O_RDONLY | O_CLOEXEC, 0);
    must(fd >= 0, "/proc/locks");
    long got = 0, length = 0;
    while ((got = raw_call(SYS_read, fd, (long)text + length, (long)sizeof text - 1 - length)) > 0)
        length += got;
    raw_call(SYS_close, fd, 0, 0);
    text[length] = 0;
    struct held held = {0, 0, 0, 0};
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        count_line(line, facts.st_ino, &held);
    return held;
}

// A list that changes while it is read may show a line twice, or not at all.
static inline struct held held_on(const char *path) {
    struct held held = read_held(path), before = {-1, -1, -1, -1};
    for (int same = 0; same < 3;) {
        before = held;
        held = read_held(path);
        same = memcmp(&held, &before, sizeof held) == 0 ? same + 1 : 0;
    }
    return held;
}

// Says "STEP PATH FLOCK POSIX OFD", the kernel's counts, and waits for a word: the test looks at what is
// recorded by now.
static inline void checkpoint(const char *step, const char *path) {
    struct held held = held_on(path);
    printf("%s %s %d %d %d\n", step, path, held.flock, held.posix, held.ofd);
    fflush(stdout);
    await_word();
}

// Until that many requests for the file wait in the kernel.
static inline void await_waiting(const char *path, int count) {
    while (read_held(path).waiting != count)
        sleep_ms(1);
}
