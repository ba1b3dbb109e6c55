// counted_family COUNTS PATH PROCESSES: so many processes, itself the first and the parent of the others,
// lock and unlock files in all families until they are killed, and count their calls in the file COUNTS.
#include "counted.h"

#include <signal.h>

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    const long processes = atol(argv[3]);
    struct counts *counts = share_counts(argv[1], processes);
    long number = processes - 1;
    for (; number > 0; --number) {
        const pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            break;
    }
    atomic_store(&counts[number].pid, getpid());
    lock_for_ever(&counts[number], argv[2], number / 2); // two on a file
}
