// await_waiting PATH COUNT: returns when that many requests for the file wait in the kernel, and says so.
#include "kernel_view.h"

int main(int argc, char **argv) {
    if (argc != 3)
        return 91;
    await_waiting(argv[1], atoi(argv[2]));
    printf("%s waiting\n", argv[2]);
    return 0;
}
