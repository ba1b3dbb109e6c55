#include "shim/open_file.h"

#include "reporter/record/system_call.h"
#include "shim/pool.h"
#include "shim/run.h"

#include <fcntl.h>

namespace flockstat::shim {

Descriptor *descriptor_pages[max_descriptor_pages];

namespace {

SpinLock table_lock; ///< guards all that follows, and the table of files
Pool<OpenFile, &OpenFile::next_free, &OpenFile::next_all> open_files;
std::uint32_t open_files_made = 0;

Descriptor *make_descriptor(int descriptor) {
    if (descriptor < 0 || (descriptor >> descriptor_page_shift) >= max_descriptor_pages) {
        count_lost(&record::Lost::calls);
        return nullptr;
    }
    Descriptor *&page = descriptor_pages[descriptor >> descriptor_page_shift];
    if (page == nullptr) {
        auto *fresh = static_cast<Descriptor *>(map_pages(sizeof(Descriptor) * descriptors_in_page));
        __atomic_store_n(&page, fresh, __ATOMIC_RELEASE);
    }
    return page == nullptr ? nullptr : &page[descriptor & (descriptors_in_page - 1)];
}

/// An O_PATH descriptor is no open file: closing it drops nothing.
bool is_path_only(int descriptor) {
    const long flags = record::system_call(SYS_fcntl, descriptor, F_GETFL);
    return flags >= 0 && (flags & O_PATH) != 0;
}

/// Moves a list of regions in front of `*dropped`.
void collect(HeldRegion *regions, Dropped *dropped) {
    while (regions != nullptr) {
        HeldRegion *next = regions->next;
        regions->next = dropped->regions;
        dropped->regions = regions;
        regions = next;
    }
}

constexpr Range whole_file{0, INT64_MAX};

/// Takes everything from an owner's extents. Without memory for that nothing is dropped; a later change tries
/// again.
void collect(Extents &extents, Dropped *dropped) {
    if (!extents.empty()) {
        collect(extents.remove(whole_file).lost, dropped);
    }
}

/// Any close of a file's descriptor drops the process's posix locks on it (man 2 fcntl).
void drop_posix(LockedFile &file, Dropped *dropped) {
    if (!file.posix.empty() && file.lock.lock()) {
        const bool held = !file.posix.empty();
        collect(file.posix, dropped);
        note_posix_change(held, !file.posix.empty());
        file.lock.unlock();
    }
}

void detach(Descriptor &entry, Dropped *dropped) {
    OpenFile *open_file = entry.open_file;
    entry.open_file = nullptr;
    drop_posix(*open_file->file, dropped);
    if (--open_file->references != 0) {
        return;
    }
    if (open_file->lock.lock()) {
        collect(open_file->flock_region, dropped);
        open_file->flock_region = nullptr;
        collect(open_file->ofd, dropped);
        open_file->lock.unlock();
    }
    release_file(*open_file->file);
    open_files.give(open_file);
}

OpenFile *attach(Descriptor &entry, const FileIdentity &identity, int descriptor, bool unlinked) {
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
    entry.open_file = open_file;
    return open_file;
}

/// The slow part of use_descriptor, under the lock.
OpenFile *verify(int descriptor, std::uint64_t now, Dropped *dropped) {
    Descriptor *entry = make_descriptor(descriptor);
    FileIdentity identity;
    bool unlinked = false;
    if (entry == nullptr) {
        return nullptr;
    }
    const bool open = identify(descriptor, &identity, &unlinked);
    dropped->known_until_ticks = entry->verified_ticks;
    if (entry->open_file != nullptr && (!open || !(entry->open_file->file->identity == identity))) {
        detach(*entry, dropped);
    }
    if (!open) {
        return nullptr;
    }
    entry->verified_ticks = now;
    return entry->open_file != nullptr ? entry->open_file : attach(*entry, identity, descriptor, unlinked);
}

unsigned count_of(const unsigned &counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

} // namespace

OpenFile *verify_descriptor(int descriptor, std::uint64_t now, Dropped *dropped) {
    if (!table_lock.lock()) {
        return nullptr;
    }
    OpenFile *open_file = verify(descriptor, now, dropped);
    table_lock.unlock();
    return open_file;
}

bool descriptor_matters(int descriptor) {
    return peek_descriptor(descriptor) != nullptr || count_of(files_with_posix_locks) != 0;
}

void drop_descriptor(int descriptor, Dropped *dropped) {
    if (!table_lock.lock()) {
        return;
    }
    Descriptor *entry = find_descriptor(descriptor);
    if (entry != nullptr && entry->open_file != nullptr) {
        detach(*entry, dropped);
    } else if (count_of(files_with_posix_locks) != 0) {
        FileIdentity identity;
        bool unlinked = false;
        LockedFile *file = identify(descriptor, &identity, &unlinked) ? find_file(identity) : nullptr;
        if (file != nullptr && !is_path_only(descriptor)) {
            drop_posix(*file, dropped);
        }
    }
    table_lock.unlock();
}

void duplicate_descriptor(int descriptor, int copy, Dropped *dropped) {
    if (descriptor == copy || !table_lock.lock()) {
        return;
    }
    Descriptor *target = find_descriptor(copy);
    if (target != nullptr && target->open_file != nullptr) {
        detach(*target, dropped);
    }
    const Descriptor *source = find_descriptor(descriptor);
    if (source != nullptr && source->open_file != nullptr && (target = make_descriptor(copy)) != nullptr) {
        target->open_file = source->open_file;
        target->verified_ticks = source->verified_ticks;
        ++target->open_file->references;
    }
    table_lock.unlock();
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
