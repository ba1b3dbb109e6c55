/// From a descriptor to its open file description to its file. Private memory; never unmapped, so that
/// threads that race (one uses a descriptor that another closes) read old facts but no foreign memory. Called
/// inside the bookkeeping only, but for descriptor_known; async-signal-safe; errno untouched.
#pragma once

#include "shim/descriptor_pages.h"
#include "shim/extents.h"
#include "shim/locked_file.h"
#include "shim/same_description.h"
#include "shim/spin_lock.h"

namespace flockstat::shim {

/// An open file description, as far as this process sees it.
struct OpenFile {
    LockedFile *file = nullptr;
    std::uint64_t number = 0; ///< in the run: the owner of its regions
    unsigned references = 0;  ///< descriptors of this process
    int descriptor = -1;      ///< one of them
    bool was_mapped = false;  ///< through one that is closed
    std::uint32_t sole_epoch =
        0;                     ///< fork_epoch() in which it was this process's alone; 0: it may be inherited
    std::uint32_t made_in = 0; ///< ProcessRun::generation of the process that surely opened it; 0: unknown
    std::uint64_t alone_ticks =
        0;         ///< who was there at this time already, but for that process, cannot have it
    SpinLock lock; ///< guards flock_region and ofd
    HeldRegion *flock_region = nullptr;
    Extents ofd;
    OpenFile *next_free = nullptr;
    OpenFile *next_all = nullptr;
    OpenFile *next_of_file = nullptr;
};

/// Regions that a change of descriptors took away; the caller ends them.
struct Dropped {
    HeldRegion *regions = nullptr;       ///< linked by `next`
    HeldRegion *of_mapped = nullptr;     ///< the same, of an open file that a mapping may keep
    HeldRegion *of_missed = nullptr;     ///< the same, of descriptors whose close was missed before
    FileIdentity mapped;                 ///< its file
    std::uint64_t known_until_ticks = 0; ///< when they were last known to be held
    bool found_inherited = false; ///< the descriptor was seen for the first time, and others may have it
};

/// 10 ms where ticks are nanoseconds, and less where they are shorter: at most 10 ms in any case.
inline constexpr std::uint64_t verified_for_ticks = 10'000'000;

/// The slow part of use_descriptor: asks the kernel, unless `known` says what the descriptor was at `now`.
[[nodiscard, gnu::cold]] OpenFile *verify_descriptor(int descriptor, std::uint64_t now, Dropped *dropped,
                                                     const FileIdentity *known = nullptr);

/// The open file of a descriptor that a lock call used at `now`: looked up at its first lock call, and again
/// when it was not verified for 10 ms (a close or dup that nobody saw), which may take regions away. nullptr
/// where the descriptor is not open, or there is no memory.
[[nodiscard]] inline OpenFile *use_descriptor(int descriptor, std::uint64_t now, Dropped *dropped) {
    const Descriptor *entry = find_descriptor(descriptor);
    if (entry != nullptr && entry->open_file != nullptr && now - entry->verified_ticks < verified_for_ticks)
        [[likely]] {
        return entry->open_file;
    }
    return verify_descriptor(descriptor, now, dropped);
}

/// Must a close of this descriptor be looked at? It is known, or there are posix locks that it might drop. A
/// few loads, any context.
[[nodiscard]] bool descriptor_matters(int descriptor);

/// The same for all known descriptors of a file: somebody unseen may have changed what they hold.
void miss_closes_of(const FileIdentity &file);

/// Takes away what was held through descriptors whose close could not be noted. For the end of the process.
void drop_missed_closes(Dropped *dropped);

/// Forgets a descriptor that is being closed. `known`: what it was, where it may be closed by now; or
/// nullptr.
void drop_descriptor(int descriptor, const FileIdentity *known, Dropped *dropped);

/// Which known descriptor refers to the open file description of `descriptor`, by the word of
/// `is_same(descriptor, known descriptor)`? `identity`: its file. Unknown, with the first that may be it,
/// where that cannot be told.
[[nodiscard]] Answer find_description(int descriptor, const FileIdentity &identity,
                                      Answer (*is_same)(int, int), int *out);

/// `copy` became a duplicate of `descriptor`; what it was before is gone.
void duplicate_descriptor(int descriptor, int copy, Dropped *dropped);

/// Takes away the posix locks that the kernel has dropped, for closes of descriptors that nobody knew. Asks
/// it once for each file with posix locks.
void drop_lost_posix(Dropped *dropped);
/// May another process have it, by a fork of this one or of an ancestor?
[[nodiscard]] bool may_be_inherited(const OpenFile &open_file);

/// Is the descriptor open, on the file that a lock record tells of?
[[nodiscard]] bool is_open_on(int descriptor, const record::Lock &lock);

/// The open file of a descriptor that is said to have been open on a lock's file; nullptr where it is not.
[[nodiscard]] OpenFile *adopt_descriptor(int descriptor, const record::Lock &lock);

/// `descriptor` is said to be a duplicate of `original`.
void adopt_duplicate(int descriptor, int original);

/// The file of a lock record, known from now on even where no descriptor of it is; nullptr without memory.
[[nodiscard]] LockedFile *adopt_file(const record::Lock &lock);

/// Visits each open file description that holds something, and each file with posix locks. For the end of the
/// process and for fork: other threads should not be at it.
class HeldVisitor {
public:
    virtual void visit(OpenFile &open_file) = 0;
    virtual void visit(LockedFile &file) = 0;

protected:
    ~HeldVisitor() = default;
};
void visit_held(HeldVisitor &visitor);

/// Is there anything that visit_held would visit?
[[nodiscard]] bool holds_anything();

} // namespace flockstat::shim
