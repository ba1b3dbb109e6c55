#include "shim/locked_file.h"

#include "reporter/record/system_call.h"
#include "shim/file_mount.h"
#include "shim/path_filter.h"
#include "shim/pool.h"
#include "shim/proc_path.h"
#include "shim/run.h"
#include "shim/signals_blocked.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace flockstat::shim {

using record::address_of;
using record::system_call;

unsigned files_with_posix_locks = 0;

namespace {

constexpr std::size_t chains = 1024;
/// Known files that nobody has open; more are forgotten, oldest first.
constexpr unsigned max_unreferenced = 4096;

Pool<LockedFile, &LockedFile::next_free, &LockedFile::next_all> files;
LockedFile *heads[chains];
LockedFile *oldest = nullptr, *newest = nullptr;
unsigned unreferenced = 0;

std::size_t chain_of(const FileIdentity &identity) {
    return static_cast<std::size_t>((identity.inode * 0x9E3779B97F4A7C15U) >> 40U ^ identity.device_minor) %
           chains;
}

void append_unreferenced(LockedFile &file) {
    file.older = newest;
    file.newer = nullptr;
    (newest != nullptr ? newest->newer : oldest) = &file;
    newest = &file;
    ++unreferenced;
}

void remove_unreferenced(LockedFile &file) {
    (file.older != nullptr ? file.older->newer : oldest) = file.newer;
    (file.newer != nullptr ? file.newer->older : newest) = file.older;
    file.older = file.newer = nullptr;
    --unreferenced;
}

void forget_oldest() {
    LockedFile &file = *oldest;
    remove_unreferenced(file);
    LockedFile **link = &heads[chain_of(file.identity)];
    while (*link != nullptr && *link != &file) {
        link = &(*link)->next_in_chain;
    }
    if (*link != nullptr) {
        *link = file.next_in_chain;
    }
    files.give(&file);
}

/// What the kernel calls the open file; its device and inode where /proc tells nothing.
record::Ref path_of(int descriptor, const FileIdentity &identity, bool unlinked, bool *included) {
    ProcPath name;
    name.add(own_folder()).add("/fd/").add(descriptor);
    char text[record::max_path_bytes];
    const long bytes =
        system_call(SYS_readlinkat, AT_FDCWD, address_of(name.c_str()), address_of(text), sizeof text);
    std::string_view path;
    if (bytes > 0) {
        path = {text, static_cast<std::size_t>(bytes)};
        // The kernel's mark for a removed file (d_path in fs/d_path.c) is no part of its name.
        constexpr std::string_view mark = " (deleted)";
        if (unlinked && path.size() > mark.size() && path.ends_with(mark)) {
            path.remove_suffix(mark.size());
        }
    } else {
        char *end = std::to_chars(text, text + 24, identity.device_major).ptr;
        *end++ = ':';
        end = std::to_chars(end, end + 24, identity.device_minor).ptr;
        *end++ = ' ';
        end = std::to_chars(end, end + 24, identity.inode).ptr;
        path = {text, static_cast<std::size_t>(end - text)};
    }
    *included = is_included(run.settings.include, run.settings.exclude, path);
    return record::intern_string(run.arena, path);
}

/// Asks what a file is called, and where it lies. Its lock records get to know, too: those that were made
/// when it had no descriptor to ask by.
void name_file(LockedFile &file, int descriptor, bool unlinked) {
    bool included = true;
    file.nameless = descriptor < 0;
    file.path = path_of(descriptor, file.identity, unlinked, &included);
    file.excluded = !included;
    struct statfs facts {};
    file.filesystem = system_call(SYS_fstatfs, descriptor, address_of(&facts)) == 0
                          ? static_cast<std::uint32_t>(facts.f_type)
                          : 0;
    file.mount = descriptor >= 0 ? file_mount(descriptor, file.identity, file.filesystem) : 0;
    for (const record::Ref ref : file.locks) {
        if (auto *lock = record::resolve<record::Lock>(run.arena, ref); ref != 0 && lock != nullptr) {
            lock->filesystem = file.filesystem;
            __atomic_store_n(&lock->mount, file.mount, __ATOMIC_RELAXED);
            __atomic_store_n(&lock->path, file.path, __ATOMIC_RELEASE);
        }
    }
}

/// Without statx (before Linux 4.11, or not allowed) there is no birth time.
bool identify_by_stat(int descriptor, FileIdentity *out, bool *unlinked) {
    struct stat64 facts {};
    if (system_call(SYS_newfstatat, descriptor, address_of(""), address_of(&facts), AT_EMPTY_PATH) < 0) {
        return false;
    }
    *out = {.inode = facts.st_ino, .device_major = major(facts.st_dev), .device_minor = minor(facts.st_dev)};
    *unlinked = facts.st_nlink == 0;
    return true;
}

} // namespace

bool identify(int descriptor, FileIdentity *out, bool *unlinked) {
    struct statx facts {};
    const long failed = system_call(SYS_statx, descriptor, address_of(""), AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                                    STATX_INO | STATX_BTIME | STATX_NLINK, address_of(&facts));
    if (failed == -EBADF) {
        return false;
    }
    if (failed < 0) {
        return identify_by_stat(descriptor, out, unlinked);
    }
    const bool birth = (facts.stx_mask & STATX_BTIME) != 0;
    *out = {.inode = facts.stx_ino,
            .birth_seconds = birth ? facts.stx_btime.tv_sec : 0,
            .birth_nanoseconds = birth ? facts.stx_btime.tv_nsec : 0,
            .device_major = facts.stx_dev_major,
            .device_minor = facts.stx_dev_minor};
    *unlinked = facts.stx_nlink == 0;
    return true;
}

LockedFile *find_file(const FileIdentity &identity) {
    LockedFile *file = heads[chain_of(identity)];
    while (file != nullptr && !(file->identity == identity)) {
        file = file->next_in_chain;
    }
    return file;
}

namespace {

/// With one reference, in its chain.
LockedFile *make_file(const FileIdentity &identity) {
    LockedFile *file = files.take();
    if (file == nullptr) {
        return nullptr;
    }
    file->identity = identity;
    file->locks[0] = file->locks[1] = file->locks[2] = 0;
    file->references = 1;
    LockedFile *&head = heads[chain_of(identity)];
    file->next_in_chain = head;
    head = file;
    return file;
}

} // namespace

LockedFile *refer_to_file(const FileIdentity &identity, int descriptor, bool unlinked) {
    LockedFile *file = find_file(identity);
    if (file != nullptr) {
        if (file->references++ == 0) {
            remove_unreferenced(*file);
        }
        if (file->nameless && descriptor >= 0) {
            name_file(*file, descriptor, unlinked);
        }
        return file;
    }
    const SignalsBlocked blocked; // one that was left half made would stay so
    file = make_file(identity);
    if (file == nullptr) {
        return nullptr;
    }
    name_file(*file, descriptor, unlinked);
    return file;
}

LockedFile *refer_to_recorded_file(const record::Lock &lock) {
    const FileIdentity identity = identity_of(lock);
    LockedFile *file = find_file(identity);
    if (file != nullptr) {
        return file; // posix locks keep it in use
    }
    file = make_file(identity);
    if (file != nullptr) {
        file->path = lock.path;
        file->nameless = false;
        file->filesystem = lock.filesystem;
        file->mount = lock.mount;
        file->excluded = false;
    }
    return file;
}

FileIdentity identity_of(const record::Lock &lock) {
    return {.inode = lock.inode,
            .birth_seconds = lock.birth_seconds,
            .birth_nanoseconds = lock.birth_nanoseconds,
            .device_major = lock.device_major,
            .device_minor = lock.device_minor};
}

void release_file(LockedFile &file) {
    if (file.references == 0 || --file.references != 0) {
        return;
    }
    append_unreferenced(file);
    if (unreferenced > max_unreferenced) {
        forget_oldest();
    }
}

LockedFile *all_files() { return files.all(); }

namespace {

std::uint32_t lock_hash(const FileIdentity &identity, Family family) {
    const std::uint64_t key[] = {identity.inode, static_cast<std::uint64_t>(identity.birth_seconds),
                                 identity.birth_nanoseconds,
                                 std::uint64_t{identity.device_major} << 32U | identity.device_minor,
                                 static_cast<std::uint64_t>(family)};
    return record::hash_bytes(key, sizeof key);
}

} // namespace

record::Ref lock_record_if_any(const LockedFile &file, Family family) {
    const record::Ref known = file.locks[static_cast<unsigned>(family)];
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const std::uint32_t hash = lock_hash(file.identity, family);
    record::Ref ref = __atomic_load_n(&header->lock_heads[hash % record::lock_chains], __ATOMIC_ACQUIRE);
    for (unsigned step = 0; known == 0 && step < record::max_chain_steps; ++step) {
        const auto *lock = record::resolve<record::Lock>(run.arena, ref);
        if (lock == nullptr || (lock->family == family && identity_of(*lock) == file.identity)) {
            return lock == nullptr ? 0 : ref;
        }
        ref = lock->next;
    }
    return known;
}

record::Ref lock_record(LockedFile &file, Family family) {
    record::Ref &known = file.locks[static_cast<unsigned>(family)];
    if (known != 0) {
        return known;
    }
    const FileIdentity &identity = file.identity;
    const std::uint32_t hash = lock_hash(identity, family);
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    const record::Ref made = record::intern<record::Lock>(
        run.arena, &header->lock_heads[hash % record::lock_chains], hash, sizeof(record::Lock),
        [&](const record::Lock &other) { return other.family == family && identity_of(other) == identity; },
        [&](record::Lock *mine) {
            mine->family = family;
            mine->path = file.path;
            mine->device_major = identity.device_major;
            mine->device_minor = identity.device_minor;
            mine->inode = identity.inode;
            mine->birth_seconds = identity.birth_seconds;
            mine->birth_nanoseconds = identity.birth_nanoseconds;
            mine->filesystem = file.filesystem;
            mine->mount = file.mount;
        });
    if (made == 0) {
        count_lost(&record::Lost::locks);
    }
    return known = made;
}

} // namespace flockstat::shim
