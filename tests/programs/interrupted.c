// interrupted CASE FAMILY PATH: a blocked request for a lock that a child holds, and what ends the waiting:
//   eintr      a handler without SA_RESTART: the call fails with EINTR
//   restart    a handler with SA_RESTART: the call goes on, and is granted
//   deferred, async   pthread_cancel of the thread that is blocked in it (flock: async only)
//   jump       a handler that leaves by siglongjmp, fifty times; then the lock is free, and taken twice
// The child sends the signal when the request waits in the kernel (/proc/locks). Prints what the call did.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kernel_view.h"

static const char *which, *family, *path;
static volatile sig_atomic_t *handled; // shared with the child
static sigjmp_buf back;

static void count_signal(int number) {
    (void)number;
    ++*handled;
}

static void jump_back(int number) {
    (void)number;
    ++*handled;
    siglongjmp(back, 1);
}

static void handle(void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

// Holds the lock; for each of `signals` waits for the request, then sends one; at the end lets go.
static void hold_and_signal(int signals) {
    int told[2];
    char byte = 'h';
    must(pipe(told) == 0, "pipe");
    handled = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(handled != MAP_FAILED, "mmap");
    *handled = 0;
    if (fork() != 0) {
        must(read(told[0], &byte, 1) == 1, "read");
        close(told[0]);
        close(told[1]);
        return;
    }
    int fd = open_file(path);
    must(lock_file(family, fd, 0, 1) == 0 && write(told[1], &byte, 1) == 1, "hold");
    for (int i = 0; i < signals; ++i) {
        await_waiting(path, 1);
        kill(getppid(), SIGUSR1);
        while (*handled != i + 1)
            sleep_ms(1);
    }
    if (strcmp(which, "restart") == 0)
        await_waiting(path, 1);
    if (strcmp(which, "eintr") != 0 && strcmp(which, "jump") != 0)
        must(unlock_file(family, fd) == 0, "unlock");
    exit(0);
}

static void case_signal(int flags) {
    hold_and_signal(1);
    handle(count_signal, flags);
    int result = lock_file(family, open_file(path), 0, 1);
    int error = result == 0 ? 0 : errno;
    must(wait(NULL) > 0, "wait");
    printf("result %d, %s, handled %d\n", result, error == 0 ? "granted" : strerror(error), (int)*handled);
}

static void case_jump(void) {
    hold_and_signal(50);
    handle(jump_back, 0);
    int fd = open_file(path);
    volatile int jumps = 0;
    for (; jumps < 50; ++jumps) {
        if (sigsetjmp(back, 1) == 0)
            lock_file(family, fd, 0, 1);
    }
    must(wait(NULL) > 0, "wait");
    for (int i = 0; i < 2; ++i)
        must(lock_file(family, fd, 0, 1) == 0 && unlock_file(family, fd) == 0, "lock");
    printf("jumped %d times\n", jumps);
}

static int cleaned;
static void clean_up(void *unused) {
    (void)unused;
    ++cleaned;
}

static void *blocked(void *unused) {
    (void)unused;
    int fd = open_file(path), result = 0;
    pthread_cleanup_push(clean_up, NULL);
    if (strcmp(which, "async") == 0)
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    result = lock_file(family, fd, 0, 1);
    pthread_cleanup_pop(0);
    return (void *)(long)result;
}

// This process holds the lock itself, through another open file; for posix locks a child does.
static void case_cancel(void) {
    int told[2];
    char byte = 'h';
    must(pipe(told) == 0, "pipe");
    pid_t holder = fork();
    if (holder == 0) {
        must(lock_file(family, open_file(path), 0, 1) == 0 && write(told[1], &byte, 1) == 1, "hold");
        pause();
    }
    must(read(told[0], &byte, 1) == 1, "read");
    pthread_t thread;
    void *result = NULL;
    must(pthread_create(&thread, NULL, blocked, NULL) == 0, "pthread_create");
    await_waiting(path, 1);
    must(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0, "cancel");
    printf("cancelled %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
    kill(holder, SIGKILL);
    must(wait(NULL) == holder, "wait");
    int fd = open_file(path);
    must(lock_file(family, fd, 0, 1) == 0 && unlock_file(family, fd) == 0, "lock");
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 91;
    which = argv[1];
    family = argv[2];
    path = argv[3];
    if (strcmp(which, "eintr") == 0)
        case_signal(0);
    else if (strcmp(which, "restart") == 0)
        case_signal(SA_RESTART);
    else if (strcmp(which, "jump") == 0)
        case_jump();
    else
        case_cancel();
    return 0;
}
