// build: -rdynamic
// loads HOW LIBRARY PATH: loads the library, calls its lock_here(PATH) and unloads it. HOW is local, global
// or deepbind.
#include <dlfcn.h>

#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    int how = strcmp(argv[1], "global") == 0     ? RTLD_GLOBAL
              : strcmp(argv[1], "deepbind") == 0 ? RTLD_DEEPBIND
                                                 : RTLD_LOCAL;
    void *library = dlopen(argv[2], RTLD_NOW | how);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 90;
    }
    int (*lock_here)(const char *) = NULL;
    *(void **)&lock_here = dlsym(library, "lock_here");
    printf("%d\n", lock_here == NULL ? -1 : lock_here(argv[3]));
    return dlclose(library);
}
