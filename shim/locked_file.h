/// The files that this process locks, found by what the kernel says they are. Private memory, bounded: files
/// that nobody has open any more are forgotten, oldest first, when there are many.
#pragma once

#include "shim/extents.h"
#include "shim/spin_lock.h"

namespace flockstat::shim {

/// A freed inode number goes to the next file at once, so a file is device, inode and birth time.
struct FileIdentity {
    std::uint64_t inode = 0;
    std::int64_t birth_seconds = 0; ///< 0 where the file system tells none
    std::uint32_t birth_nanoseconds = 0;
    std::uint32_t device_major = 0, device_minor = 0;

    friend bool operator==(const FileIdentity &, const FileIdentity &) = default;
};

struct OpenFile;

struct LockedFile {
    FileIdentity identity;
    record::Ref path = 0;
    std::uint32_t filesystem = 0;                 ///< statfs f_type
    record::Ref mount = 0;                        ///< string, as record::Lock has it
    record::Ref locks[record::family_count] = {}; ///< its lock records, made at first use
    bool nameless = false;                        ///< closed before it could be asked for its path
    bool excluded = false;                        ///< by FLOCKSTAT_INCLUDE or FLOCKSTAT_EXCLUDE
    unsigned references = 0;                      ///< open file descriptions that are known
    OpenFile *open_files = nullptr;               ///< those, linked by next_of_file

    SpinLock lock; ///< guards posix
    Extents posix;

    LockedFile *next_in_chain = nullptr;
    LockedFile *newer = nullptr, *older = nullptr; ///< among those without references
    LockedFile *next_free = nullptr;
    LockedFile *next_all = nullptr;
};

/// Files on which this process holds posix locks: while there are none, closing an unknown descriptor drops
/// nothing.
extern unsigned files_with_posix_locks;

/// Keeps that count: did the process hold posix locks on a file before a change, does it now?
inline void note_posix_change(bool held_before, bool holds_now) {
    if (held_before != holds_now) {
        __atomic_fetch_add(&files_with_posix_locks, holds_now ? 1U : ~0U, __ATOMIC_RELAXED);
    }
}

/// Asks the kernel what a descriptor refers to. False where it is not open.
[[nodiscard]] bool identify(int descriptor, FileIdentity *out, bool *unlinked);

/// The file, with one reference more; made where it is not known, which takes a readlink. `descriptor` is -1
/// where none is left to ask by: it is named by device and inode until one is. nullptr without memory. Under
/// the table's lock (open_file.cpp).
[[nodiscard]] LockedFile *refer_to_file(const FileIdentity &identity, int descriptor, bool unlinked);

/// The file that a lock record tells of, with one reference more; nullptr without memory. Under the table's
/// lock.
[[nodiscard]] LockedFile *refer_to_recorded_file(const record::Lock &lock);

/// What a lock record says of its file.
[[nodiscard]] FileIdentity identity_of(const record::Lock &lock);

/// One reference less.
void release_file(LockedFile &file);

/// The file if it is known; no reference is taken.
[[nodiscard]] LockedFile *find_file(const FileIdentity &identity);

/// Its lock record for a family; 0 where there is no room for one.
[[nodiscard]] record::Ref lock_record(LockedFile &file, Family family);

/// The same, but none is made; 0 where nobody in the run used such a lock.
[[nodiscard]] record::Ref lock_record_if_any(const LockedFile &file, Family family);

/// All that were ever made, linked by next_all.
[[nodiscard]] LockedFile *all_files();

} // namespace flockstat::shim
