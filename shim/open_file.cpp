#include "shim/open_file.h"

#include "reporter/record/system_call.h"
#include "shim/fork_epoch.h"
#include "shim/kept_files.h"
#include "shim/mapped_file.h"
#include "shim/origin.h"
#include "shim/pool.h"
#include "shim/run.h"
#include "shim/twins.h"

#include <fcntl.h>

namespace flockstat::shim {

namespace {

SpinLock table_lock; ///< guards all that follows, and the table of files
Pool<OpenFile, &OpenFile::next_free, &OpenFile::next_all> open_files;
std::uint32_t open_files_made = 0;

/// An O_PATH descriptor is no open file: closing it drops nothing.
bool is_path_only(int descriptor) {
    const long flags = record::system_call(SYS_fcntl, descriptor, F_GETFL);
    return flags >= 0 && (flags & O_PATH) != 0;
}

/// Moves a list of regions in front of another.
void collect(HeldRegion *regions, HeldRegion **list) {
    while (regions != nullptr) {
        HeldRegion *next = regions->next;
        regions->next = *list;
        *list = regions;
        regions = next;
    }
}

constexpr Range whole_file{0, INT64_MAX};

/// Takes everything from an owner's extents. Without memory for that nothing is dropped; a later change tries
/// again.
void collect(Extents &extents, HeldRegion **list) {
    if (!extents.empty()) {
        collect(extents.remove(whole_file).lost, list);
    }
}

/// Any close of a file's descriptor drops the process's posix locks on it (man 2 fcntl).
void drop_posix(LockedFile &file, Dropped *dropped) {
    if (!file.posix.empty() && file.lock.lock()) {
        const bool held = !file.posix.empty();
        collect(file.posix, &dropped->regions);
        note_posix_change(held, !file.posix.empty());
        file.lock.unlock();
    }
}

/// Takes all that an open file description holds.
HeldRegion *take_all(OpenFile &open_file) {
    HeldRegion *held = nullptr;
    if (open_file.lock.lock()) {
        collect(open_file.flock_region, &held);
        open_file.flock_region = nullptr;
        collect(open_file.ofd, &held);
        open_file.lock.unlock();
    }
    return held;
}

/// Its last descriptor is gone. A mapping may keep what it holds.
void end_open_file(OpenFile &open_file, Dropped *dropped) {
    HeldRegion **list = &dropped->regions;
    if (open_file.was_mapped) {
        list = &dropped->of_mapped;
        dropped->mapped = open_file.file->identity;
    }
    HeldRegion *held = take_all(open_file);
    for (HeldRegion *region = held; region != nullptr; region = region->next) {
        region->shared = region->shared || may_be_inherited(open_file);
    }
    collect(held, list);
    OpenFile **link = &open_file.file->open_files;
    while (*link != nullptr && *link != &open_file) {
        link = &(*link)->next_of_file;
    }
    if (*link != nullptr) {
        *link = open_file.next_of_file;
    }
    release_file(*open_file.file);
    open_files.give(&open_file);
}

void detach(int descriptor, Descriptor &entry, Dropped *dropped) {
    OpenFile *open_file = entry.open_file;
    entry.open_file = nullptr;
    drop_posix(*open_file->file, dropped);
    open_file->was_mapped = open_file->was_mapped || is_marked_mapped(descriptor);
    clear_mapped(descriptor);
    if (--open_file->references == 0) {
        end_open_file(*open_file, dropped);
    } else if (open_file->descriptor == descriptor) {
        open_file->descriptor = find_user(*open_file);
    }
}

/// The open file that a descriptor is a duplicate of, among those that are known of its file: it may have
/// been made before any of them was locked through, or by a call that nobody sees (recvmsg, pidfd_getfd).
OpenFile *find_twin(const LockedFile &file, int descriptor) {
    unsigned asked = 0;
    constexpr unsigned max_asked = 64; // of a file that is open so often, the newest
    for (OpenFile *other = file.open_files; other != nullptr && asked < max_asked;
         other = other->next_of_file) {
        if (other->descriptor >= 0 && is_same_open_file(descriptor, other->descriptor)) {
            return other;
        }
        ++asked;
    }
    return nullptr;
}

/// The duplicates of a descriptor from before its first lock call share what is learned now.
void attach_twins(OpenFile &open_file) {
    const int descriptor = open_file.descriptor;
    for (int twin = next_twin(descriptor, -1); twin >= 0; twin = next_twin(descriptor, twin)) {
        Descriptor *entry = is_same_open_file(descriptor, twin) ? make_descriptor(twin) : nullptr;
        if (entry != nullptr && entry->open_file == nullptr) {
            *entry = {&open_file, 0}; // another thread may be closing it: it is looked at again
            ++open_file.references;
        }
    }
}

/// Since when an open file description that is seen for the first time is this process's alone.
void find_origin(OpenFile &open_file, const FileIdentity &identity, int descriptor) {
    if (descriptor < 0) { // closed by now
        open_file.sole_epoch = fork_epoch();
        open_file.made_in = 0;
        return;
    }
    const std::uint32_t closed = closed_epoch(descriptor);
    const bool after_close = closed >= run.first_epoch; // of a process before a fork it says nothing
    const bool made_here = (after_close || is_made_here(descriptor)) && !was_passed(identity);
    open_file.made_in = made_here ? run.generation : 0;
    open_file.sole_epoch = !made_here ? 0 : after_close ? closed : run.first_epoch;
    const std::uint64_t now = now_ticks();
    const bool unforked = open_file.sole_epoch == fork_epoch(); // since it was opened
    open_file.alone_ticks = unforked ? now : run.began_ticks;
}

OpenFile *attach(Descriptor &entry, const FileIdentity &identity, int descriptor, bool unlinked) {
    const LockedFile *known = find_file(identity);
    if (OpenFile *twin = known != nullptr ? find_twin(*known, descriptor) : nullptr; twin != nullptr) {
        ++twin->references;
        return entry.open_file = twin;
    }
    OpenFile *open_file = open_files.take();
    if (open_file == nullptr) {
        return nullptr;
    }
    open_file->file = refer_to_file(identity, descriptor, unlinked);
    if (open_file->file == nullptr) {
        open_files.give(open_file);
        return nullptr;
    }
    open_file->number = (std::uint64_t{run.process_ref} << 32U) | ++open_files_made;
    open_file->references = 1;
    open_file->descriptor = descriptor;
    open_file->was_mapped = false;
    open_file->next_of_file = open_file->file->open_files;
    open_file->file->open_files = open_file;
    find_origin(*open_file, identity, descriptor);
    entry.open_file = open_file;
    attach_twins(*open_file);
    return open_file;
}

/// The slow part of use_descriptor, under the lock.
OpenFile *verify(int descriptor, std::uint64_t now, Dropped *dropped, const FileIdentity *known) {
    FileIdentity identity;
    bool unlinked = false;
    bool open = identify(descriptor, &identity, &unlinked);
    int named_by = descriptor;
    if (known != nullptr && !(open && identity == *known)) { // closed meanwhile: it has no name any more
        identity = *known;
        open = true;
        named_by = -1;
    }
    Descriptor *entry = open ? make_descriptor(descriptor) : find_descriptor(descriptor);
    if (entry == nullptr) {
        return nullptr;
    }
    dropped->known_until_ticks = entry->verified_ticks;
    if (entry->open_file != nullptr && (!open || entry->verified_ticks == close_was_missed ||
                                        !(entry->open_file->file->identity == identity))) {
        detach(descriptor, *entry, dropped);
    }
    if (!open) {
        return nullptr;
    }
    entry->verified_ticks = now;
    if (entry->open_file == nullptr && attach(*entry, identity, named_by, unlinked) != nullptr) {
        dropped->found_inherited = may_be_inherited(*entry->open_file);
    }
    return entry->open_file;
}

unsigned count_of(const unsigned &counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

} // namespace

OpenFile *verify_descriptor(int descriptor, std::uint64_t now, Dropped *dropped, const FileIdentity *known) {
    if (!table_lock.lock()) {
        return nullptr;
    }
    OpenFile *open_file = verify(descriptor, now, dropped, known);
    table_lock.unlock();
    return open_file;
}

bool descriptor_matters(int descriptor) {
    return peek_descriptor(descriptor) != nullptr || count_of(files_with_posix_locks) != 0;
}

void miss_closes_of(const FileIdentity &file) {
    for_descriptors([&](int descriptor, const Descriptor &entry) {
        const OpenFile *open_file = entry.open_file;
        if (open_file != nullptr && open_file->file->identity == file) {
            miss_close(descriptor);
        }
        return true;
    });
}

void drop_missed_closes(Dropped *dropped) {
    if (!__atomic_load_n(&any_close_missed, __ATOMIC_RELAXED) || !table_lock.lock()) {
        return;
    }
    for_descriptors([&](int descriptor, Descriptor &entry) {
        if (entry.open_file != nullptr && entry.verified_ticks == close_was_missed) {
            detach(descriptor, entry, dropped);
        }
        return true;
    });
    table_lock.unlock();
}

void drop_descriptor(int descriptor, const FileIdentity *known, Dropped *dropped) {
    if (!table_lock.lock()) {
        miss_close(descriptor); // its number may be another file's in a moment
        return;
    }
    Descriptor *entry = find_descriptor(descriptor);
    if (entry != nullptr && entry->open_file != nullptr) {
        const bool missed = entry->verified_ticks == close_was_missed;
        detach(descriptor, *entry, dropped);
        closed_epoch(descriptor) = settled_epoch();
        if (missed) {
            collect(dropped->regions, &dropped->of_missed);
            dropped->regions = nullptr;
        }
    } else if (count_of(files_with_posix_locks) != 0) {
        FileIdentity identity;
        bool unlinked = false;
        LockedFile *file = known != nullptr                             ? find_file(*known)
                           : identify(descriptor, &identity, &unlinked) ? find_file(identity)
                                                                        : nullptr;
        if (file != nullptr && !is_path_only(descriptor)) {
            drop_posix(*file, dropped);
        }
    }
    table_lock.unlock();
}

Answer find_description(int descriptor, const FileIdentity &identity, Answer (*is_same)(int, int), int *out) {
    Answer found = Answer::no;
    if (!table_lock.lock()) {
        return found;
    }
    const LockedFile *file = find_file(identity);
    const OpenFile *other = file != nullptr ? file->open_files : nullptr;
    for (; other != nullptr && found != Answer::yes; other = other->next_of_file) {
        const Answer answer = other->descriptor >= 0 ? is_same(descriptor, other->descriptor) : Answer::no;
        if (answer == Answer::yes || (answer == Answer::unknown && found == Answer::no)) {
            found = answer;
            *out = other->descriptor;
        }
    }
    table_lock.unlock();
    return found;
}

void duplicate_descriptor(int descriptor, int copy, Dropped *dropped) {
    if (descriptor == copy) {
        return;
    }
    if (!table_lock.lock()) {
        miss_close(copy);
        return;
    }
    Descriptor *target = find_descriptor(copy);
    if (target != nullptr && target->open_file != nullptr) {
        detach(copy, *target, dropped);
    }
    const Descriptor *source = find_descriptor(descriptor);
    if (source != nullptr && source->open_file != nullptr && (target = make_descriptor(copy)) != nullptr) {
        target->open_file = source->open_file;
        target->verified_ticks = source->verified_ticks;
        ++target->open_file->references;
    } else {
        forget_origin(copy);
    }
    table_lock.unlock();
}

namespace {

/// Has the kernel dropped this process's lock on `held`? Asked for an ofd lock in its place, it names who is
/// in the way. True only where that cannot be this process: somebody's shared lock may stand before a shared
/// one of ours.
bool has_lost(int descriptor, const Extent &held) {
    struct flock request {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    request.l_start = held.range.start;
    request.l_len = 1;
    if (record::system_call(SYS_fcntl, descriptor, F_OFD_GETLK, record::address_of(&request)) != 0) {
        return false;
    }
    return request.l_type == F_UNLCK || (request.l_pid != record::system_call(SYS_getpid) &&
                                         (request.l_type == F_WRLCK || held.region->mode == Mode::exclusive));
}

} // namespace

void drop_lost_posix(Dropped *dropped) {
    if (count_of(files_with_posix_locks) == 0 || !table_lock.lock()) {
        return;
    }
    for (LockedFile *file = all_files(); file != nullptr; file = file->next_all) {
        if (!file->posix.empty() && file->open_files != nullptr &&
            has_lost(file->open_files->descriptor, file->posix[0])) {
            drop_posix(*file, dropped);
        }
    }
    table_lock.unlock();
}

bool may_be_inherited(const OpenFile &open_file) { return open_file.sole_epoch != fork_epoch(); }

bool is_open_on(int descriptor, const record::Lock &lock) {
    FileIdentity identity;
    bool unlinked = false;
    return identify(descriptor, &identity, &unlinked) && identity == identity_of(lock);
}

OpenFile *adopt_descriptor(int descriptor, const record::Lock &lock) {
    Dropped dropped; // stays empty: an entry of another file is left alone
    if (!is_open_on(descriptor, lock) || !table_lock.lock()) {
        return nullptr;
    }
    OpenFile *open_file = peek_descriptor(descriptor);
    if (open_file == nullptr) {
        // At 0: another thread may be closing it at this moment, unnoticed; its next call looks again.
        open_file = verify(descriptor, 0, &dropped, nullptr);
    } else if (!(open_file->file->identity == identity_of(lock))) {
        open_file = nullptr;
    }
    table_lock.unlock();
    return open_file;
}

void adopt_duplicate(int descriptor, int original) {
    Dropped dropped;
    FileIdentity identity;
    bool unlinked = false;
    const OpenFile *open_file = peek_descriptor(original);
    if (open_file != nullptr && peek_descriptor(descriptor) == nullptr &&
        identify(descriptor, &identity, &unlinked) && identity == open_file->file->identity) {
        duplicate_descriptor(original, descriptor, &dropped);
    }
}

LockedFile *adopt_file(const record::Lock &lock) {
    if (!table_lock.lock()) {
        return nullptr;
    }
    LockedFile *file = refer_to_recorded_file(lock);
    table_lock.unlock();
    return file;
}

bool holds_anything() {
    for (const OpenFile *open_file = open_files.all(); open_file != nullptr;
         open_file = open_file->next_all) {
        if (open_file->flock_region != nullptr || !open_file->ofd.empty()) {
            return true;
        }
    }
    return count_of(files_with_posix_locks) != 0;
}

void visit_held(HeldVisitor &visitor) {
    for (OpenFile *open_file = open_files.all(); open_file != nullptr; open_file = open_file->next_all) {
        if (open_file->flock_region != nullptr || !open_file->ofd.empty()) {
            visitor.visit(*open_file);
        }
    }
    for (LockedFile *file = all_files(); file != nullptr; file = file->next_all) {
        if (!file->posix.empty()) {
            visitor.visit(*file);
        }
    }
}

} // namespace flockstat::shim
