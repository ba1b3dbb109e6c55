/// Functions that close or duplicate descriptors, as the program calls them: libc closes files behind more
/// names than close.
#include "shim/export.h"
#include "shim/real.h"
#include "shim/thread_state.h"
#include "shim/watched_descriptor.h"

using namespace flockstat::shim;

namespace {

int descriptor_of(FILE *stream) { return stream != nullptr ? fileno_unlocked(stream) : -1; }

/// libc declares that it is never null, and answers EINVAL where it is: the compiler must not take it at its
/// word.
int descriptor_of(DIR *directory) {
    asm("" : "+r"(directory));
    return directory != nullptr ? dirfd(directory) : -1;
}

} // namespace

FLOCKSTAT_EXPORT int close(int descriptor) { return watched_close(descriptor, FLOCKSTAT_CALL_SITE()); }

FLOCKSTAT_EXPORT int close_range(unsigned first, unsigned last, int flags) noexcept {
    constexpr int known_flags = CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC;
    if (first <= last && (flags & ~known_flags) == 0 && (flags & CLOSE_RANGE_CLOEXEC) == 0) {
        note_closes(first, last, FLOCKSTAT_CALL_SITE());
    }
    return flockstat_next()->close_range(first, last, flags);
}

FLOCKSTAT_EXPORT void closefrom(int first) noexcept {
    note_closes(first < 0 ? 0U : static_cast<unsigned>(first), ~0U, FLOCKSTAT_CALL_SITE());
    flockstat_next()->closefrom(first);
}

FLOCKSTAT_EXPORT int fclose(FILE *stream) {
    const WatchedClose watched(descriptor_of(stream), FLOCKSTAT_CALL_SITE());
    const int result = flockstat_next()->fclose(stream);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream) {
    const WatchedClose watched(descriptor_of(stream), FLOCKSTAT_CALL_SITE());
    FILE *result = flockstat_next()->freopen(path, mode, stream);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT FILE *freopen64(const char *path, const char *mode, FILE *stream) {
    const WatchedClose watched(descriptor_of(stream), FLOCKSTAT_CALL_SITE());
    FILE *result = flockstat_next()->freopen64(path, mode, stream);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT int pclose(FILE *stream) {
    const WatchedClose watched(descriptor_of(stream), FLOCKSTAT_CALL_SITE());
    const int result = flockstat_next()->pclose(stream);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT int closedir(DIR *directory) {
    const WatchedClose watched(descriptor_of(directory), FLOCKSTAT_CALL_SITE());
    const int result = flockstat_next()->closedir(directory);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT int dup(int descriptor) noexcept {
    const int copy = flockstat_next()->dup(descriptor);
    if (copy >= 0) {
        note_duplicate(descriptor, copy);
    }
    return copy;
}

FLOCKSTAT_EXPORT int dup2(int descriptor, int wanted) noexcept {
    const int copy = flockstat_next()->dup2(descriptor, wanted);
    if (copy >= 0) {
        note_duplicate(descriptor, copy);
    }
    return copy;
}

FLOCKSTAT_EXPORT int dup3(int descriptor, int wanted, int flags) noexcept {
    const int copy = flockstat_next()->dup3(descriptor, wanted, flags);
    if (copy >= 0) {
        note_duplicate(descriptor, copy);
    }
    return copy;
}

FLOCKSTAT_EXPORT int dlclose(void *handle) noexcept {
    const int result = flockstat_next()->dlclose(handle);
    __atomic_fetch_add(&module_unloads, 1U, __ATOMIC_RELAXED);
    return result;
}
