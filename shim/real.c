#include "shim/real.h"

#include "shim/real_offset.h"

#include <stddef.h>

_Static_assert(offsetof(struct flockstat_real, syscall) == FLOCKSTAT_REAL_SYSCALL, "syscall_entry.S");

struct flockstat_real flockstat_real;

/* dlsym takes the loader's lock, so this runs in a constructor, when the program is still alone. A pointer
 * that dlsym does not find stays null: that function does not exist here (musl has no fcntl64), so nobody
 * calls it. */
void flockstat_find_real(void) {
    struct flockstat_real found;
#define FLOCKSTAT_FIND(name) *(void **)&found.name = dlsym(RTLD_NEXT, #name);
    FLOCKSTAT_REAL_FUNCTIONS(FLOCKSTAT_FIND)
#undef FLOCKSTAT_FIND
    flockstat_real = found;
}
