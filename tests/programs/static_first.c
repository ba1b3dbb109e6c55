// build: -static
// static_first PROGRAM ARGUMENT...: cannot be preloaded; says "ready" and, after a word on stdin, becomes
// PROGRAM, which can.
#include "tell.h"

int main(int argc, char **argv) {
    if (argc < 2)
        return 91;
    say("ready");
    await_word();
    execv(argv[1], argv + 1);
    return 92;
}
