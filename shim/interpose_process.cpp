/// Functions that end a process or its image without running destructors, and those that make a process
/// without fork, as the program calls them.
#include "shim/child.h"
#include "shim/export.h"
#include "shim/fork_epoch.h"
#include "shim/lent_memory.h"
#include "shim/process_end.h"
#include "shim/real.h"
#include "shim/thread_slot.h"

#include <cstdarg>
#include <cstdlib>

using namespace flockstat::shim;

FLOCKSTAT_EXPORT void _exit(int status) {
    end_process(status & 0xFF);
    flockstat_next()->_exit(status);
    __builtin_unreachable();
}

FLOCKSTAT_EXPORT void _Exit(int status) noexcept {
    end_process(status & 0xFF);
    flockstat_next()->_Exit(status);
    __builtin_unreachable();
}

FLOCKSTAT_EXPORT void quick_exit(int status) noexcept {
    end_process(status & 0xFF);
    flockstat_next()->quick_exit(status);
    __builtin_unreachable();
}

FLOCKSTAT_EXPORT int execve(const char *path, char *const arguments[], char *const environment[]) noexcept {
    begin_exec();
    const int result = flockstat_next()->execve(path, arguments, environment);
    exec_failed();
    return result;
}

FLOCKSTAT_EXPORT int execv(const char *path, char *const arguments[]) noexcept {
    begin_exec();
    const int result = flockstat_next()->execv(path, arguments);
    exec_failed();
    return result;
}

FLOCKSTAT_EXPORT int execvp(const char *file, char *const arguments[]) noexcept {
    begin_exec();
    const int result = flockstat_next()->execvp(file, arguments);
    exec_failed();
    return result;
}

FLOCKSTAT_EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[]) noexcept {
    begin_exec();
    const int result = flockstat_next()->execvpe(file, arguments, environment);
    exec_failed();
    return result;
}

FLOCKSTAT_EXPORT int fexecve(int descriptor, char *const arguments[], char *const environment[]) noexcept {
    begin_exec();
    const int result = flockstat_next()->fexecve(descriptor, arguments, environment);
    exec_failed();
    return result;
}

FLOCKSTAT_EXPORT int execveat(int directory, const char *path, char *const arguments[],
                              char *const environment[], int flags) noexcept {
    begin_exec();
    const int result = flockstat_next()->execveat(directory, path, arguments, environment, flags);
    exec_failed();
    return result;
}

namespace {

/// The arguments of execl and its kin behind the first one, counted up to the null pointer.
std::size_t count_arguments(const char *first, va_list arguments) {
    asm("" : "+r"(first)); // declared to be never null; Linux takes an empty list
    std::size_t count = first == nullptr ? 0 : 1;
    while (first != nullptr && va_arg(arguments, char *) != nullptr) {
        ++count;
    }
    return count;
}

/// Copies them and the null pointer.
void copy_arguments(char **out, const char *first, std::size_t count, va_list arguments) {
    out[0] = const_cast<char *>(first);
    for (std::size_t i = 1; i <= count && count != 0; ++i) {
        out[i] = va_arg(arguments, char *);
    }
}

} // namespace

/// Collects the variable arguments behind `first` into `vector`, on the stack, because execl is
/// async-signal-safe. `behind` is where they go on.
#define FLOCKSTAT_COLLECT(first, vector, behind)                                          \
    va_list behind;                                                                       \
    va_start(behind, first);                                                              \
    const std::size_t count = count_arguments(first, behind);                             \
    va_end(behind);                                                                       \
    auto **vector = static_cast<char **>(__builtin_alloca((count + 1) * sizeof(char *))); \
    va_start(behind, first);                                                              \
    copy_arguments(vector, first, count, behind)

FLOCKSTAT_EXPORT int execl(const char *path, const char *first, ...) noexcept {
    FLOCKSTAT_COLLECT(first, vector, behind);
    va_end(behind);
    return execv(path, vector);
}

FLOCKSTAT_EXPORT int execlp(const char *file, const char *first, ...) noexcept {
    FLOCKSTAT_COLLECT(first, vector, behind);
    va_end(behind);
    return execvp(file, vector);
}

FLOCKSTAT_EXPORT int execle(const char *path, const char *first, ...) noexcept {
    FLOCKSTAT_COLLECT(first, vector, behind);
    char *const *environment = va_arg(behind, char *const *);
    va_end(behind);
    return execve(path, vector, environment);
}

// Their children share our memory for a moment (CLONE_VFORK inside libc), and then the open file
// descriptions.

FLOCKSTAT_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                                 const posix_spawnattr_t *attributes, char *const arguments[],
                                 char *const environment[]) {
    begin_making_child();
    const int result = flockstat_next()->posix_spawn(pid, path, actions, attributes, arguments, environment);
    end_making_child();
    return result;
}

FLOCKSTAT_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                                  const posix_spawnattr_t *attributes, char *const arguments[],
                                  char *const environment[]) {
    begin_making_child();
    const int result = flockstat_next()->posix_spawnp(pid, file, actions, attributes, arguments, environment);
    end_making_child();
    return result;
}

/// It ends with its child. A thread that is cancelled in it leaves a child under way for ever, which costs
/// some questions more.
FLOCKSTAT_EXPORT int system(const char *command) {
    begin_making_child();
    const int result = flockstat_next()->system(command);
    end_making_child();
    return result;
}

FLOCKSTAT_EXPORT FILE *popen(const char *command, const char *mode) {
    begin_making_child();
    FILE *stream = flockstat_next()->popen(command, mode);
    end_making_child();
    return stream;
}

/// A child that shares our memory but has descriptors of its own, and that this thread waits for, is one of
/// vfork. What is behind `argument` is there where `flags` says so, and handed on as it is.
FLOCKSTAT_EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...) noexcept {
    va_list more;
    va_start(more, argument);
    auto *parent_id = va_arg(more, pid_t *);
    void *thread_area = va_arg(more, void *);
    auto *child_id = va_arg(more, pid_t *);
    va_end(more);
    const bool copies = (flags & CLONE_FILES) == 0;
    if (copies) {
        begin_making_child();
    }
    constexpr int whole = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_SETTLS;
    const int lent = (flags & whole) == (CLONE_VM | CLONE_VFORK) ? 1 : 0;
    if (lent == 0) {
        before_clone(static_cast<std::uint64_t>(flags));
    }
    thread_slot.in_vfork += lent;
    const int child =
        flockstat_next()->clone(function, stack, flags, argument, parent_id, thread_area, child_id);
    thread_slot.in_vfork -= lent;
    if (copies) {
        end_making_child();
    }
    return child;
}

FLOCKSTAT_EXPORT int daemon(int keep_directory, int keep_files) noexcept {
    begin_daemon();
    const int result = flockstat_next()->daemon(keep_directory, keep_files);
    end_daemon();
    return result;
}
