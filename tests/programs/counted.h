#pragma once

// Processes that count their own lock calls which returned, in memory that outlives them.

#include <stdatomic.h>
#include <sys/mman.h>

#include "tell.h"

// One process's. holds: 1 where it had a lock when it last looked.
struct counts {
    atomic_long pid, attempts, unlocks, holds;
};

// The memory of so many processes: in a file that is there already, or in none.
static inline struct counts *share_counts(const char *file, long processes) {
    const size_t bytes = (size_t)processes * sizeof(struct counts);
    const int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
    must(file == NULL || fd >= 0, file);
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (file == NULL ? MAP_ANONYMOUS : 0), fd, 0);
    must(memory != MAP_FAILED, "mmap");
    if (fd >= 0)
        close(fd);
    return memory;
}

// Locks and unlocks as fast as it can, in a family and a file of eight that the number chooses.
static inline void lock_for_ever(struct counts *mine, const char *path, long number) {
    static const char *const families[] = {"flock", "posix", "ofd", "lockf"};
    const char *family = families[number % 4];
    char own_path[4096];
    snprintf(own_path, sizeof own_path, "%s.%ld", path, number % 8);
    const int fd = open_file(own_path);
    for (long i = 0;; ++i) {
        const int block = i % 2 == 0; // both ways
        const int result = lock_file(family, fd, i % 3 == 0, block);
        atomic_fetch_add(&mine->attempts, 1);
        if (result != 0)
            continue;
        atomic_store(&mine->holds, 1);
        must(unlock_file(family, fd) == 0, "unlock");
        atomic_fetch_add(&mine->unlocks, 1);
        atomic_store(&mine->holds, 0);
    }
}
