#include "shim/ownership.h"

#include "shim/handover.h"
#include "shim/lock_order.h"
#include "shim/region_end.h"

#include <algorithm>

namespace flockstat::shim {
namespace {

/// What the others see of a region that lost some of its bytes.
void renew_ranges(const Extents &extents) {
    constexpr unsigned few = 16; // with more the view of others is a little too wide for a while
    for (unsigned i = 0; i < extents.count() && extents.count() <= few; ++i) {
        HeldRegion *region = extents[i].region;
        if (region->live != nullptr && is_current(*region)) {
            const Range hull = extents.hull(region);
            region->range = hull;
            region->live->range_start = hull.start;
            region->live->range_end = hull.end;
        }
    }
}

HeldRegion *new_region(ThreadState &thread, const OpenFile &open_file, const Operation &operation,
                       StackUse use, record::Leaf *leaf) {
    HeldRegion *region = take_region(thread);
    if (region == nullptr) {
        return nullptr;
    }
    region->since_ticks = operation.end_ticks;
    region->made_in = open_file.made_in;
    region->alone_ticks = open_file.alone_ticks;
    describe_region(thread, *region, leaf, open_file.file->locks[static_cast<unsigned>(operation.family)],
                    use.stack, operation.family, operation.mode);
    return region;
}

void publish(ThreadState &thread, HeldRegion &region, const OpenFile &open_file, const Operation &operation) {
    const std::uint64_t owner = operation.family == Family::posix ? run.process_ref : open_file.number;
    if (region.live != nullptr) {
        note_granted(thread, region.leaf, operation.range, *region.live, region.since_ticks);
    }
    publish_region(region, operation.range, owner, operation.descriptor, thread.block->thread);
}

void begin_flock(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                 record::Leaf *leaf) {
    if (!open_file.lock.lock()) {
        return;
    }
    HeldRegion *old = open_file.flock_region;
    if (old != nullptr && old->mode == operation.mode && is_current(*old)) {
        open_file.lock.unlock();
        return; // asking for the mode already held changes nothing
    }
    HeldRegion *region = new_region(thread, open_file, operation, use, leaf);
    open_file.flock_region = region;
    open_file.lock.unlock();
    if (region != nullptr) {
        publish(thread, *region, open_file, operation);
    }
    if (old != nullptr) {
        (void)end_region(thread, old, record::Release::converted, operation.start_ticks);
    }
}

/// The owner of a byte range, and what guards it.
struct RangeOwner {
    SpinLock &lock;
    Extents &extents;
    bool posix;
};

RangeOwner owner_of(OpenFile &open_file, Family family) {
    if (family == Family::posix) {
        return {open_file.file->lock, open_file.file->posix, true};
    }
    return {open_file.lock, open_file.ofd, false};
}

Extents::Change change_ranges(const RangeOwner &owner, Range range, HeldRegion *region) {
    const bool held_before = !owner.extents.empty();
    const Extents::Change change =
        region != nullptr ? owner.extents.assign(range, region) : owner.extents.remove(range);
    if (owner.posix) {
        note_posix_change(held_before, !owner.extents.empty());
    }
    renew_ranges(owner.extents);
    return change;
}

/// Forgets what another process that has the same open file description ended.
void drop_stale(ThreadState &thread, OpenFile &open_file) {
    if (open_file.ofd.empty() || !open_file.lock.lock()) {
        return;
    }
    for (unsigned i = 0; i < open_file.ofd.count();) {
        if (is_current(*open_file.ofd[i].region)) {
            ++i;
            continue;
        }
        const unsigned before = open_file.ofd.count();
        HeldRegion *lost = open_file.ofd.remove(open_file.ofd[i].range).lost;
        while (lost != nullptr) {
            HeldRegion *next = lost->next;
            drop_region(thread, lost, true);
            lost = next;
        }
        if (open_file.ofd.count() >= before) {
            break; // no memory to change them
        }
    }
    open_file.lock.unlock();
}

void begin_range(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                 record::Leaf *leaf) {
    if (operation.family == Family::ofd) {
        drop_stale(thread, open_file);
    }
    HeldRegion *region = new_region(thread, open_file, operation, use, leaf);
    const RangeOwner owner = owner_of(open_file, operation.family);
    if (region == nullptr) {
        return;
    }
    if (!owner.lock.lock()) {
        give_region(thread, region);
        return;
    }
    const Extents::Change change = change_ranges(owner, operation.range, region);
    if (change.took) {
        publish(thread, *region, open_file, operation);
        renew_ranges(owner.extents);
    }
    owner.lock.unlock();
    if (!change.took) {
        give_region(thread, region);
    }
    (void)end_list(thread, change.lost, record::Release::converted, operation.start_ticks);
}

} // namespace

void begin_region(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                  record::Leaf *leaf) {
    if (operation.family == Family::flock) {
        begin_flock(thread, open_file, operation, use, leaf);
    } else if (operation.range_known) {
        begin_range(thread, open_file, operation, use, leaf);
    }
}

namespace {

bool unlock_known(ThreadState &thread, OpenFile &open_file, const Operation &operation) {
    HeldRegion *ended = nullptr;
    if (operation.family == Family::flock) {
        if (open_file.lock.lock()) {
            ended = open_file.flock_region;
            open_file.flock_region = nullptr;
            open_file.lock.unlock();
        }
        return end_list(thread, ended, record::Release::unlock, operation.start_ticks);
    }
    const RangeOwner owner = owner_of(open_file, operation.family);
    if (!operation.range_known || !owner.lock.lock()) {
        return false;
    }
    const bool released = owner.extents.overlaps(operation.range);
    ended = change_ranges(owner, operation.range, nullptr).lost;
    owner.lock.unlock();
    (void)end_list(thread, ended, record::Release::unlock, operation.start_ticks);
    return released;
}

} // namespace

bool end_by_unlock(ThreadState &thread, OpenFile &open_file, const Operation &operation) {
    if (unlock_known(thread, open_file, operation)) {
        return true;
    }
    if (operation.family == Family::posix || !may_be_inherited(open_file)) {
        return false;
    }
    // Another process that has the same open file description may know what this call released.
    join_shared_regions(thread, open_file, operation.descriptor);
    return unlock_known(thread, open_file, operation);
}

void end_by_failed_conversion(ThreadState &thread, OpenFile &open_file, const Operation &operation) {
    if (operation.family != Family::flock || !open_file.lock.lock()) {
        return;
    }
    HeldRegion *old = open_file.flock_region;
    if (old != nullptr && old->mode == operation.mode) {
        old = nullptr; // not a conversion
    }
    if (old != nullptr) {
        open_file.flock_region = nullptr;
    }
    open_file.lock.unlock();
    (void)end_list(thread, old, record::Release::converted, operation.start_ticks);
}

void end_dropped(ThreadState &thread, HeldRegion *regions, int descriptor, record::Release how,
                 std::uint64_t end_ticks) {
    if (descriptor >= 0) {
        (void)leave_list(thread, regions, descriptor, how, end_ticks);
        return;
    }
    for (HeldRegion *region = regions; region != nullptr;) {
        HeldRegion *next = region->next;
        if (region->guest && region->live != nullptr && region->live->process != run.process_ref) {
            drop_region(thread, region, false); // it is in another process's care
        } else {
            (void)end_region(thread, region, how, std::max(end_ticks, region->since_ticks));
        }
        region = next;
    }
}

} // namespace flockstat::shim
