/// Functions that close or duplicate descriptors, as the program calls them: libc closes files behind more
/// names than close.
#include "reporter/record/system_call.h"
#include "shim/export.h"
#include "shim/kept_files.h"
#include "shim/mapped_file.h"
#include "shim/real.h"
#include "shim/thread_state.h"
#include "shim/watched_call.h"
#include "shim/watched_descriptor.h"

#include <cerrno>

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
    WatchedCloses watched(first, last, flags, FLOCKSTAT_CALL_SITE());
    const int result = flockstat_next()->close_range(first, last, flags);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT void closefrom(int first) noexcept {
    WatchedCloses watched(first < 0 ? 0U : static_cast<unsigned>(first), ~0U, 0, FLOCKSTAT_CALL_SITE());
    flockstat_next()->closefrom(first);
    watched.done();
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

FLOCKSTAT_EXPORT int endmntent(FILE *stream) noexcept {
    const WatchedClose watched(descriptor_of(stream), FLOCKSTAT_CALL_SITE());
    const int result = flockstat_next()->endmntent(stream);
    watched.done();
    return result;
}

FLOCKSTAT_EXPORT int dup(int descriptor) noexcept {
    const int copy = flockstat_next()->dup(descriptor);
    note_duplicate(descriptor, copy, FLOCKSTAT_CALL_SITE());
    return copy;
}

FLOCKSTAT_EXPORT int dup2(int descriptor, int wanted) noexcept {
    const WatchedDuplicate watched(descriptor, wanted, FLOCKSTAT_CALL_SITE());
    const int copy = flockstat_next()->dup2(descriptor, wanted);
    watched.done(copy);
    return copy;
}

FLOCKSTAT_EXPORT int dup3(int descriptor, int wanted, int flags) noexcept {
    const WatchedDuplicate watched(descriptor, wanted, FLOCKSTAT_CALL_SITE());
    const int copy = flockstat_next()->dup3(descriptor, wanted, flags);
    watched.done(copy);
    return copy;
}

namespace {

/// Allocators map memory long before anything can be looked up.
void *next_mmap(void *(*next)(void *, size_t, int, int, int, off64_t), void *address, size_t length,
                int protection, int flags, int descriptor, off64_t offset) {
    if (next != nullptr) {
        return next(address, length, protection, flags, descriptor, offset);
    }
    const long result =
        flockstat::record::system_call(SYS_mmap, flockstat::record::address_of(address),
                                       static_cast<long>(length), protection, flags, descriptor, offset);
    if (result < 0 && result > -4096) {
        errno = static_cast<int>(-result);
        return MAP_FAILED;
    }
    return reinterpret_cast<void *>(result);
}

void *watched_mmap(void *(*next)(void *, size_t, int, int, int, off64_t), void *address, size_t length,
                   int protection, int flags, int descriptor, off64_t offset) {
    void *result = next_mmap(next, address, length, protection, flags, descriptor, offset);
    if (descriptor >= 0 && (flags & MAP_ANONYMOUS) == 0 && result != MAP_FAILED && !passing()) {
        mark_mapped(descriptor);
        note_mapped(descriptor);
    }
    return result;
}

} // namespace

FLOCKSTAT_EXPORT void *mmap(void *address, size_t length, int protection, int flags, int descriptor,
                            off_t offset) noexcept {
    return watched_mmap(flockstat_real.mmap, address, length, protection, flags, descriptor, offset);
}

FLOCKSTAT_EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int descriptor,
                              off64_t offset) noexcept {
    return watched_mmap(flockstat_real.mmap64, address, length, protection, flags, descriptor, offset);
}

FLOCKSTAT_EXPORT int dlclose(void *handle) noexcept {
    const int result = flockstat_next()->dlclose(handle);
    __atomic_fetch_add(&module_unloads, 1U, __ATOMIC_RELAXED);
    return result;
}
