#include "shim/ownership.h"

#include "reporter/record/system_call.h"
#include "shim/handover.h"
#include "shim/kept_files.h"
#include "shim/lock_order.h"
#include "shim/mapped_file.h"
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

class ExitVisitor final : public HeldVisitor {
public:
    ExitVisitor(ThreadState &thread, std::uint64_t end_ticks) : thread_(thread), end_ticks_(end_ticks) {}

    void visit(OpenFile &open_file) override {
        const int descriptor = open_file.descriptor;
        if (!open_file.lock.lock()) {
            return;
        }
        if (open_file.was_mapped || is_marked_mapped(descriptor)) {
            note_mapped_file(open_file.file->identity); // children may have the mapping, too
        }
        HeldRegion *held = open_file.flock_region;
        open_file.flock_region = nullptr;
        HeldRegion *ranges = open_file.ofd.empty() ? nullptr : open_file.ofd.remove({}).lost;
        open_file.lock.unlock();
        if (held != nullptr) {
            held->shared = held->shared || may_be_inherited(open_file);
            (void)leave_region(thread_, held, descriptor, record::Release::exit, end_ticks_);
        }
        for (HeldRegion *range = ranges; range != nullptr; range = range->next) {
            range->shared = range->shared || may_be_inherited(open_file);
        }
        (void)leave_list(thread_, ranges, descriptor, record::Release::exit, end_ticks_);
    }

    void visit(LockedFile &file) override {
        if (!file.lock.lock()) {
            return;
        }
        HeldRegion *ranges = change_ranges({file.lock, file.posix, true}, {}, nullptr).lost;
        file.lock.unlock();
        (void)end_list(thread_, ranges, record::Release::exit, end_ticks_);
    }

private:
    ThreadState &thread_;
    std::uint64_t end_ticks_;
};

/// Calls visit(region) for each region of an open file description; one with several pieces may come again.
template<typename Visit>
void for_regions(const OpenFile &open_file, Visit visit) {
    if (open_file.flock_region != nullptr) {
        visit(*open_file.flock_region);
    }
    for (unsigned i = 0; i < open_file.ofd.count(); ++i) {
        visit(*open_file.ofd[i].region);
    }
}

/// Before a fork: the child will have what is held through open file descriptions.
class ForkVisitor final : public HeldVisitor {
public:
    void visit(OpenFile &open_file) override {
        if (open_file.lock.lock()) {
            for_regions(open_file, [](HeldRegion &region) {
                region.shared = true;
                region.leaf_owner = nullptr; // from now on the end is looked at closely
                if (region.live != nullptr && is_current(region)) {
                    region.live->holders = 2;
                }
            });
            open_file.lock.unlock();
        }
    }
    void visit(LockedFile &) override {}
};

/// A child's copies of its parent's regions: posix locks it does not have, the others it shares.
class ChildVisitor final : public HeldVisitor {
public:
    void visit(OpenFile &open_file) override {
        for_regions(open_file, [&](HeldRegion &region) {
            region.guest = region.shared = true;
            region.spare = nullptr;
            region.leaf_owner = nullptr;
            if (region.live == nullptr) {
                region.since_ticks = 0; // there was no room to share it by: it stays the parent's to count
            } else if (is_current(region)) {
                region.live->holders = 2;
            }
        });
    }
    void visit(LockedFile &file) override {
        const HeldRegion *lost = file.posix.remove({}).lost; // its memory is a copy too; not worth collecting
        (void)lost;
    }
};

/// A daemon's regions are in its own care.
class SuccessorVisitor final : public HeldVisitor {
public:
    void visit(OpenFile &open_file) override {
        for_regions(open_file, [](const HeldRegion &region) {
            if (region.live != nullptr && is_current(region)) {
                __atomic_store_n(&region.live->process, run.process_ref, __ATOMIC_RELEASE);
            }
        });
    }
    void visit(LockedFile &) override {}
};

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

void end_all_at_exit(ThreadState &thread, std::uint64_t end_ticks) {
    Dropped missed;
    drop_missed_closes(&missed);
    for (HeldRegion *list : {missed.regions, missed.of_mapped}) {
        end_dropped(thread, list, -1, record::Release::unknown, missed.known_until_ticks);
    }
    ExitVisitor visitor(thread, end_ticks);
    visit_held(visitor);
}

void share_with_child() {
    ForkVisitor visitor;
    visit_held(visitor);
}

void take_over_shared(ThreadState &thread) {
    if (holds_anything() && ensure_block(thread)) {
        SuccessorVisitor visitor;
        visit_held(visitor);
    }
}

void become_child() {
    if (*single_threaded == 0) {
        distrust_descriptors();
    }
    ChildVisitor visitor;
    visit_held(visitor);
    files_with_posix_locks = 0;
}

} // namespace flockstat::shim
