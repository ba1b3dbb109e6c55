// scribble MODE SEED PAUSE PROGRAM ARGS...: writes all over the run's arena, which it finds in its own
// memory, for as long as the program runs that it starts. MODE is what it writes:
//   random              anything, anywhere
//   zeros, ones, moved  blocks of these, or of what stands elsewhere in the arena, behind the header
//   words               there, too: small numbers, such as references are, and ends of ranges
//   bits                one bit turned over at a time
//   header              words in the header, but for its first, by which processes know an arena
//   all                 all of these, in turns
// After each writing it looks PAUSE times whether the program has ended, so that something is recorded
// meanwhile. Its last line on stdout says how the program ended: "status N" or "signal N".
#include <stdint.h>
#include <sys/wait.h>

#include "tell.h"

enum { spared = 64, header_bytes_at = 12, filled = 1 << 18 };
static char *arena;
static uint64_t bytes, state;
static uint32_t header_bytes;

// xorshift64*
static uint64_t next_number(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
}

static void find_arena(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4096];
    unsigned long start, end;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "/flockstat-") != NULL && strstr(line, "rw-s") != NULL &&
            sscanf(line, "%lx-%lx", &start, &end) == 2) {
            arena = (char *)start;
            bytes = end - start;
        }
    }
    must(maps != NULL && arena != NULL, "no arena");
    fclose(maps);
    memcpy(&header_bytes, arena + header_bytes_at, sizeof header_bytes);
    must(header_bytes > spared && header_bytes + filled < bytes, "no header");
}

static uint64_t some_word(void) {
    static const uint64_t odd[] = {0,       1,           UINT64_MAX, INT64_MAX,   0x80000000U,
                                   0xFFFFU, 0xFFFFFFFFU, 1ULL << 47, 0xFFFFFFF8U, 1ULL << 63};
    const uint64_t number = next_number();
    if (number % 4 == 0)
        return odd[number / 4 % (sizeof odd / sizeof odd[0])];
    // Two references: the unit is eight bytes, or other small powers of two.
    return (number >> 8) % (bytes >> 3) << 32 | next_number() % (bytes >> (3 + number % 4));
}

static void write_block(const char *mode, char *at, uint64_t length) {
    if (strcmp(mode, "zeros") == 0)
        memset(at, 0, length);
    else if (strcmp(mode, "ones") == 0)
        memset(at, 0xFF, length);
    else if (strcmp(mode, "moved") == 0)
        memmove(at, arena + (next_number() % (bytes - length) & ~7ULL), length);
    else
        for (uint64_t i = 0; i < length; ++i)
            at[i] = (char)(next_number() >> 32);
}

static void scribble(const char *mode) {
    static const char *const modes[] = {"random", "zeros", "ones", "moved", "words", "bits", "header"};
    if (strcmp(mode, "all") == 0)
        mode = modes[next_number() % 7];
    const int everywhere = strcmp(mode, "random") == 0, in_header = strcmp(mode, "header") == 0;
    // Most of it where something stands: behind the header.
    const uint64_t start = everywhere ? 0 : in_header ? spared : header_bytes;
    const uint64_t end = in_header ? header_bytes : next_number() % 4 != 0 ? header_bytes + filled : bytes;
    const uint64_t length = in_header ? 8 : next_number() % 4096 + 8;
    char *at = arena + start + (next_number() % (end - start - length) & ~7ULL);
    if (in_header || strcmp(mode, "words") == 0)
        *(volatile uint64_t *)at = some_word();
    else if (strcmp(mode, "bits") == 0)
        *(volatile uint64_t *)at ^= 1ULL << next_number() % 64;
    else
        write_block(mode, at, length);
}

int main(int argc, char **argv) {
    if (argc < 5)
        return 91;
    find_arena();
    state = strtoull(argv[2], NULL, 10) * 2 + 1;
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        execv(argv[4], argv + 4);
        _exit(92);
    }
    int status = 0;
    const long pause = atol(argv[3]) + 1;
    for (long i = 0; waitpid(child, &status, WNOHANG) == 0; ++i) {
        if (i % pause == 0)
            scribble(argv[1]);
    }
    printf("%s %d\n", WIFEXITED(status) ? "status" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}
