// relay FAMILY PATH STEP...: a family of processes, named by letters, that hold, share and leave one lock.
// Each step is told to one of them, and is over before the next one begins. Process `a` opens PATH, not
// close-on-exec.
//
// STEP is [!]ACTOR.VERB: open second (opens PATH once more, beside) swap (goes on with the other of the two,
// which children by fork have too) lock shared unlock close lose (closes it, unseen) replace (by a duplicate
// of stdin) range (closes it as one of several) dup (closes the original) move (the same, to a high number)
// map (the file, with the descriptor) unmap cloexec nocloexec send (the descriptor, as a message) take (one
// from a message) elsewhere (its children are of another pid namespace) wait (for its children) exit _exit
// quick_exit abort kill daemon exec exectrue (becomes /bin/true); and those that make another process, as in
// a.fork=b: fork clone (raw) spawn spawnas (under another number) vfork. The steps `held` and `free` ask the
// kernel, `pause` lets 300 ms go by. `!` marks the step that releases the lock: prints "held LOW HIGH", the
// bounds of how long it was held since it was first got.
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tell.h"

enum { actors = 4, high_number = 70, spawned_number = 71, command_base = 100, acknowledge = 120, mail = 121 };
enum { map_bytes = 4096 };

extern char **environ;
static const char *family, *path, *program;
static int self, fd = -1, second = -1;
static void *mapped;

// Unseen by anybody who stands between this program and libc.
static long raw(long number, long a, long b, void *c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static int is_held(void) {
    int probe = open(path, O_RDWR | O_CLOEXEC);
    must(probe >= 0, path);
    struct flock range = range_of(F_WRLCK, 0, 0);
    int held;
    if (strcmp(family, "flock") == 0) {
        held = raw(SYS_flock, probe, LOCK_EX | LOCK_NB, NULL) != 0;
    } else {
        must(raw(SYS_fcntl, probe, F_OFD_GETLK, &range) == 0, "test");
        held = range.l_type != F_UNLCK;
    }
    raw(SYS_close, probe, 0, NULL);
    return held;
}

struct word {
    int actor;
    pid_t pid;
};

static void ready(void) {
    const struct word word = {self, getpid()};
    must(write(acknowledge, &word, sizeof word) == sizeof word, "acknowledge");
}

static void become(char *const *argv_of_actor) {
    execv("/proc/self/exe", argv_of_actor);
    _exit(93);
}

// With the descriptor as another one, and not as what it was.
static void spawn_as(pid_t *pid, char *const *argv_of_actor) {
    posix_spawn_file_actions_t actions;
    must(posix_spawn_file_actions_init(&actions) == 0 &&
             posix_spawn_file_actions_adddup2(&actions, fd, spawned_number) == 0 &&
             posix_spawn_file_actions_addclose(&actions, fd) == 0 &&
             posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv_of_actor, environ) == 0,
         "spawn");
    posix_spawn_file_actions_destroy(&actions);
}

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message_of(struct iovec *letter, union control *control) {
    static char byte = 'x';
    *letter = (struct iovec){&byte, 1};
    return (struct msghdr){
        .msg_iov = letter, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof *control};
}

static void send_descriptor(void) {
    struct iovec letter;
    union control control;
    struct msghdr message = message_of(&letter, &control);
    control.head = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    must(sendmsg(mail, &message, 0) == 1, "send");
}

static void take_descriptor(void) {
    struct iovec letter;
    union control control;
    struct msghdr message = message_of(&letter, &control);
    must(recvmsg(mail + 1, &message, MSG_CMSG_CLOEXEC) == 1, "take");
    memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
}

static void make_child(const char *verb, int child) {
    char who[8], number[8];
    snprintf(who, sizeof who, "%d", child);
    snprintf(number, sizeof number, "%d", strcmp(verb, "spawnas") == 0 ? spawned_number : fd);
    char *argv_of_actor[] = {
        (char *)program, (char *)family, (char *)path, (char *)"--actor", who, number, NULL};
    pid_t pid = -1;
    if (strcmp(verb, "fork") == 0)
        pid = fork();
    else if (strcmp(verb, "clone") == 0)
        pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    else if (strcmp(verb, "spawn") == 0)
        must(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv_of_actor, environ) == 0, "spawn");
    else if (strcmp(verb, "spawnas") == 0)
        spawn_as(&pid, argv_of_actor);
    else if ((pid = vfork()) == 0)
        become(argv_of_actor);
    must(pid >= 0, verb);
    if (pid == 0) {
        self = child;
        ready();
    }
}

static void perform(char *verb) {
    char *child = strchr(verb, '=');
    char number[8], who[8];
    if (child != NULL) {
        *child = '\0';
        const int parent = self;
        make_child(verb, child[1] - 'a');
        if (self != parent)
            return; // the child: has said that it is ready
    } else if (strcmp(verb, "open") == 0) {
        fd = open(path, O_RDWR | O_CREAT, 0600);
    } else if (strcmp(verb, "second") == 0) {
        second = open(path, O_RDWR | O_CREAT, 0600);
        must(second >= 0, path);
    } else if (strcmp(verb, "swap") == 0) {
        const int first = fd;
        fd = second;
        second = first;
    } else if (strcmp(verb, "lock") == 0 || strcmp(verb, "shared") == 0) {
        must(lock_file(family, fd, *verb == 's', 0) == 0, verb);
    } else if (strcmp(verb, "unlock") == 0) {
        must(unlock_file(family, fd) == 0, verb);
    } else if (strcmp(verb, "close") == 0) {
        must(close(fd) == 0, verb);
    } else if (strcmp(verb, "lose") == 0) {
        must(raw(SYS_close, fd, 0, NULL) == 0, verb);
    } else if (strcmp(verb, "replace") == 0) {
        must(dup2(0, fd) == fd, verb);
    } else if (strcmp(verb, "range") == 0) {
        must(close_range((unsigned)fd, (unsigned)fd + 1, 0) == 0, verb);
    } else if (strcmp(verb, "elsewhere") == 0) {
        must(unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0, verb);
    } else if (strcmp(verb, "dup") == 0) {
        const int copy = dup(fd);
        must(copy >= 0 && close(fd) == 0, verb);
        fd = copy;
    } else if (strcmp(verb, "move") == 0) {
        must(dup2(fd, high_number) == high_number && close(fd) == 0, verb);
        fd = high_number;
    } else if (strcmp(verb, "map") == 0) {
        mapped = mmap(NULL, map_bytes, PROT_READ, MAP_SHARED, fd, 0);
        must(mapped != MAP_FAILED, verb);
    } else if (strcmp(verb, "unmap") == 0) {
        must(munmap(mapped, map_bytes) == 0, verb);
    } else if (strcmp(verb, "send") == 0) {
        send_descriptor();
    } else if (strcmp(verb, "take") == 0) {
        take_descriptor();
    } else if (strcmp(verb, "cloexec") == 0 || strcmp(verb, "nocloexec") == 0) {
        must(fcntl(fd, F_SETFD, *verb == 'c' ? FD_CLOEXEC : 0) == 0, verb);
    } else if (strcmp(verb, "wait") == 0) {
        while (waitpid(-1, NULL, 0) > 0) {}
    } else if (strcmp(verb, "daemon") == 0) {
        // Its parent ends by itself, and has the descriptor until then.
        char parents[64], target[8];
        snprintf(parents, sizeof parents, "/proc/%d/fd/%d", (int)getpid(), fd);
        must(daemon(1, 1) == 0, verb);
        while (readlink(parents, target, sizeof target) >= 0)
            sleep_ms(1);
    } else if (strcmp(verb, "exec") == 0) {
        snprintf(who, sizeof who, "%d", self);
        snprintf(number, sizeof number, "%d", fd);
        char *argv_of_actor[] = {
            (char *)program, (char *)family, (char *)path, (char *)"--actor", who, number, NULL};
        become(argv_of_actor);
    } else if (strcmp(verb, "badexec") == 0) {
        execl("/nonexistent", "nonexistent", (char *)NULL);
    } else if (strcmp(verb, "exectrue") == 0) {
        execl("/bin/true", "true", (char *)NULL);
    } else if (strcmp(verb, "exit") == 0) {
        exit(0);
    } else if (strcmp(verb, "_exit") == 0) {
        _exit(0);
    } else if (strcmp(verb, "quick_exit") == 0) {
        quick_exit(0);
    } else if (strcmp(verb, "abort") == 0) {
        abort();
    } else {
        must(0, verb);
    }
    ready();
}

static void act(void) {
    char verb[32];
    while (1) {
        size_t at = 0;
        while (read(command_base + 2 * self, verb + at, 1) == 1 && verb[at] != '\n')
            ++at;
        if (at == 0)
            exit(0); // the director is gone
        verb[at] = '\0';
        perform(verb);
    }
}

// ---- The director: makes `a`, has each step done, and holds nothing itself.

static pid_t pids[actors];
static int acknowledged;

static void await_actors(int count) {
    for (int i = 0; i < count; ++i) {
        struct word word;
        must(read(acknowledged, &word, sizeof word) == sizeof word, "await");
        pids[word.actor] = word.pid;
    }
}

static void await_end(pid_t pid, int handle) {
    struct pollfd ended = {handle, POLLIN, 0};
    must(poll(&ended, 1, -1) == 1, "poll");
    close(handle);
    waitpid(pid, NULL, WNOHANG); // where it is ours
}

static int ends_program(const char *verb) {
    static const char *const ends[] = {"exit", "_exit", "quick_exit", "abort", "kill", "exectrue"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) {
        if (strcmp(verb, ends[i]) == 0)
            return 1;
    }
    return 0;
}

static void direct(const char *step, long long *before, long long *after) {
    const int actor = step[0] - 'a';
    const char *verb = step + 2;
    const int ends = ends_program(verb);
    const int handle = ends ? (int)syscall(SYS_pidfd_open, pids[actor], 0) : -1;
    *before = now_ns();
    if (strcmp(verb, "kill") == 0) {
        must(kill(pids[actor], SIGKILL) == 0, verb);
    } else {
        dprintf(command_base + 2 * actor + 1, "%s\n", verb);
    }
    if (ends)
        await_end(pids[actor], handle);
    else
        await_actors(strchr(verb, '=') != NULL ? 2 : 1);
    *after = now_ns();
}

static void open_channels(void) {
    int pair[2];
    for (int i = 0; i < actors; ++i) {
        must(pipe(pair) == 0 && dup2(pair[0], command_base + 2 * i) >= 0 &&
                 dup2(pair[1], command_base + 2 * i + 1) >= 0,
             "pipe");
        close(pair[0]);
        close(pair[1]);
        fcntl(command_base + 2 * i + 1, F_SETFD, FD_CLOEXEC);
    }
    must(pipe(pair) == 0 && dup2(pair[1], acknowledge) >= 0, "pipe");
    close(pair[1]);
    acknowledged = pair[0];
    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && dup2(pair[0], mail) >= 0 &&
             dup2(pair[1], mail + 1) >= 0,
         "socketpair");
    close(pair[0]);
    close(pair[1]);
}

int main(int argc, char **argv) {
    program = argv[0];
    family = argv[1];
    path = argv[2];
    if (argc == 6 && strcmp(argv[3], "--actor") == 0) {
        self = atoi(argv[4]);
        fd = atoi(argv[5]);
        ready();
        act();
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    open_channels();
    if ((pids[0] = fork()) == 0) {
        for (int i = 0; i < actors; ++i) // the end of the director is the end of all
            close(command_base + 2 * i + 1);
        ready();
        act();
    }
    await_actors(1);
    long long low = 0, high = 0, before = 0, after = 0;
    for (int i = 3; i < argc; ++i) {
        if (strcmp(argv[i], "pause") == 0) {
            sleep_ms(300);
            continue;
        }
        const int last = argv[i][0] == '!';
        const char *step = argv[i] + last;
        if (strcmp(step, "held") == 0 || strcmp(step, "free") == 0) {
            // A process that ends gives back what it has a moment after others could see that it ends.
            for (int tries = 0; *step == 'f' && tries < 10000 && is_held(); ++tries)
                sleep_ms(1);
            must(is_held() == (*step == 'h'), argv[i]);
            continue;
        }
        direct(step, &before, &after);
        if (high == 0 && (strcmp(step + 2, "lock") == 0 || strcmp(step + 2, "shared") == 0)) {
            high = before;
            low = after;
        }
        if (last)
            printf("held %lld %lld\n", before - low, after - high);
    }
    fflush(stdout);
    for (int i = 0; i < actors; ++i) // who is left ends
        close(command_base + 2 * i + 1);
    while (wait(NULL) > 0 || errno == EINTR) {}
    return 0;
}
