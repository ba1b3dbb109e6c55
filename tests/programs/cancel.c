// cancel PATH: pthread_cancel at lock calls. F_SETLKW, F_OFD_SETLKW and lockf(F_LOCK) are cancellation
// points, the others are not. For each: a thread with a cancel pending makes the call; then a thread that is
// blocked in it (or about to be) is cancelled while another open file holds the lock. Prints whether the
// thread was cancelled and whether its clean-up ran.
#include <pthread.h>

#include "tell.h"

enum { calls = 7 };
static const char *const names[calls] = {"F_SETLKW", "F_OFD_SETLKW", "F_LOCK",         "F_SETLK",
                                         "F_TLOCK",  "LOCK_EX",      "LOCK_EX|LOCK_NB"};
static int fd, call, cleaned, pending;

static void clean_up(void *unused) {
    (void)unused;
    ++cleaned;
}

static int make_the_call(void) {
    struct flock range = range_of(F_WRLCK, 0, 0);
    switch (call) {
    case 0: return fcntl(fd, F_SETLKW, &range);
    case 1: return fcntl(fd, F_OFD_SETLKW, &range);
    case 2: return lockf(fd, F_LOCK, 0);
    case 3: return fcntl(fd, F_SETLK, &range);
    case 4: return lockf(fd, F_TLOCK, 0);
    case 5: return flock(fd, LOCK_EX);
    default: return flock(fd, LOCK_EX | LOCK_NB);
    }
}

static void *in_thread(void *unused) {
    (void)unused;
    long result = -9;
    pthread_cleanup_push(clean_up, NULL);
    if (pending)
        pthread_cancel(pthread_self());
    result = make_the_call();
    // What comes after must not be cancelled: only the call itself is asked.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_pop(0);
    return (void *)result;
}

static void show(const char *how) {
    pthread_t thread;
    void *result = NULL;
    cleaned = 0;
    must(pthread_create(&thread, NULL, in_thread, NULL) == 0, "pthread_create");
    if (!pending)
        pthread_cancel(thread);
    must(pthread_join(thread, &result) == 0, "pthread_join");
    printf("%s %s: cancelled %d, result %ld, cleaned %d\n", how, names[call], result == PTHREAD_CANCELED,
           result == PTHREAD_CANCELED ? 0 : (long)result, cleaned);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 91;
    fd = open_file(argv[1]);
    pending = 1;
    for (call = 0; call < calls; ++call) {
        show("pending");
        struct flock none = range_of(F_UNLCK, 0, 0);
        must(flock(fd, LOCK_UN) == 0 && fcntl(fd, F_SETLK, &none) == 0 && fcntl(fd, F_OFD_SETLK, &none) == 0,
             "unlock");
    }
    // A lock of another owner on the same file: an OFD lock of another open file stops posix and ofd
    // requests.
    int other = open_file(argv[1]);
    struct flock range = range_of(F_WRLCK, 0, 0);
    must(fcntl(other, F_OFD_SETLK, &range) == 0, "lock");
    pending = 0;
    for (call = 0; call < 3; ++call)
        show("blocked");
    return 0;
}
