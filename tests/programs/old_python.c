// build: -rdynamic

// old_python FILE: locks the file. It exports the symbol by which a Python is known, but none that tells the
// version, like Pythons before 3.11.
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

long _PyRuntime[64];

int main(int argc, char **argv) {
    const int file = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (flock(file, LOCK_EX) != 0) {
        perror("old_python");
        return 1;
    }
    return 0;
}
