// glibc_locks PATH: locks that glibc takes inside functions of its own, on a utmp file PATH. (lckpwdf does
// the same with /etc/.pwd.lock.) Prints whether they worked.
#include <utmpx.h>

#include "tell.h"

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    close(open_file(argv[1]));
    must(utmpxname(argv[1]) == 0, "utmpxname");
    struct utmpx entry = {.ut_type = USER_PROCESS, .ut_id = "x", .ut_line = "tty99", .ut_user = "somebody"};
    setutxent();
    struct utmpx *put = pututxline(&entry);
    setutxent();
    struct utmpx *got = getutxline(&entry);
    printf("put %d, got %d\n", put != NULL, got != NULL);
    endutxent();
    updwtmpx(argv[1], &entry);
    return 0;
}
