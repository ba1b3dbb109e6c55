#include "shim/ownership.h"

#include "reporter/record/system_call.h"

namespace flockstat::shim {
namespace {

record::Leaf *leaf_of(ThreadState &thread, const HeldRegion &region) {
    if (region.leaf_owner == &thread && region.leaf_epoch == thread.leaf_epoch) {
        return region.leaf;
    }
    return find_leaf(thread, {.stack = region.stack, .cached = nullptr}, region.lock,
                     acquire_kind(region.mode), region.family);
}

/// Did anybody wait or get refused since it began? One word, which only those write.
bool is_waited_for(const HeldRegion &region) {
    const auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    return lock != nullptr && __atomic_load_n(&lock->waited_ticks, __ATOMIC_RELAXED) >= region.since_ticks;
}

/// The region as an event, for those who waited or were refused while it was held: they want to know for how
/// long, and when it ended.
record::Event held_event(const ThreadState &thread, const HeldRegion &region, record::Release how,
                         std::uint64_t end_ticks) {
    record::Event event{};
    event.kind = record::EventKind::held;
    event.family = region.family;
    event.mode = region.mode;
    event.release = static_cast<std::uint8_t>(how);
    event.lock = region.lock;
    event.stack = region.stack;
    event.process = run.process_ref;
    event.thread = thread.block->thread;
    event.start_ticks = region.since_ticks;
    event.end_ticks = end_ticks;
    event.range_start = region.live != nullptr ? region.live->range_start : 0;
    event.range_end = region.live != nullptr ? region.live->range_end : INT64_MAX;
    return event;
}

/// A thread that waits in its first call for the file cannot say so: it would have to look up which file it
/// is before it waits. So long regions are told in any case.
[[gnu::cold, gnu::noinline]] void tell_waiters(ThreadState &thread, const HeldRegion &region,
                                               record::Release how, std::uint64_t end_ticks) {
    auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    if (lock == nullptr) {
        return;
    }
    __atomic_store_n(&lock->released_ticks, end_ticks, __ATOMIC_RELAXED);
    const record::Event event = held_event(thread, region, how, end_ticks);
    if (is_waited_for(region)) {
        log_event(thread, event);
    } else {
        log_spare_event(thread, event);
    }
}

void end_region(ThreadState &thread, HeldRegion *region, record::Release how, std::uint64_t end_ticks) {
    record::Leaf *leaf = region->since_ticks != 0 ? leaf_of(thread, *region) : nullptr;
    if (leaf != nullptr) {
        const std::uint64_t held = end_ticks > region->since_ticks ? end_ticks - region->since_ticks : 0;
        if (how != record::Release::unknown) {
            add_sample(thread, leaf->second, held, end_ticks);
            add_sample(thread.block->totals.region, held, end_ticks);
        }
        if (how != record::Release::unlock) {
            if (record::LeafExtra *extra = find_extra(thread, *leaf); extra != nullptr) {
                ++extra->released[static_cast<unsigned>(how)];
                extra->held_open_ticks += how == record::Release::unknown ? held : 0;
            }
        }
        if (held >= long_region_ticks || is_waited_for(*region)) [[unlikely]] {
            tell_waiters(thread, *region, how, end_ticks);
        }
    }
    give_region(thread, region);
}

bool end_list(ThreadState &thread, HeldRegion *regions, record::Release how, std::uint64_t end_ticks) {
    const bool any = regions != nullptr;
    while (regions != nullptr) {
        HeldRegion *next = regions->next;
        end_region(thread, regions, how, end_ticks);
        regions = next;
    }
    return any;
}

/// What the others see of a region that lost some of its bytes.
void renew_ranges(const Extents &extents) {
    constexpr unsigned few = 16; // with more the view of others is a little too wide for a while
    for (unsigned i = 0; i < extents.count() && extents.count() <= few; ++i) {
        HeldRegion *region = extents[i].region;
        if (region->live != nullptr) {
            const Range hull = extents.hull(region);
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
    describe_region(thread, *region, leaf, open_file.file->locks[static_cast<unsigned>(operation.family)],
                    use.stack, operation.family, operation.mode);
    return region;
}

void publish(ThreadState &thread, HeldRegion &region, const OpenFile &open_file, const Operation &operation) {
    const std::uint64_t owner = operation.family == Family::posix ? run.process_ref : open_file.number;
    publish_region(region, operation.range, owner, operation.descriptor, thread.block->thread);
}

void begin_flock(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                 record::Leaf *leaf) {
    if (!open_file.lock.lock()) {
        return;
    }
    HeldRegion *old = open_file.flock_region;
    if (old != nullptr && old->mode == operation.mode) {
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
        end_region(thread, old, record::Release::converted, operation.start_ticks);
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

void begin_range(ThreadState &thread, OpenFile &open_file, const Operation &operation, StackUse use,
                 record::Leaf *leaf) {
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

/// Is the open file description of a descriptor the parent's too, under the same number, as after `( flock 9
/// ) 9>file`? Then the end of this process releases nothing. Where kcmp is not allowed the answer is no.
bool is_parents_too(int descriptor) {
    const long own = record::system_call(SYS_getpid);
    const long parent = record::system_call(SYS_getppid);
    constexpr long kcmp_file = 0; // KCMP_FILE
    return descriptor >= 0 &&
           record::system_call(SYS_kcmp, own, parent, kcmp_file, descriptor, descriptor) == 0;
}

class ExitVisitor final : public HeldVisitor {
public:
    ExitVisitor(ThreadState &thread, std::uint64_t end_ticks) : thread_(thread), end_ticks_(end_ticks) {}

    void visit(OpenFile &open_file) override {
        if (!open_file.lock.lock()) {
            return;
        }
        HeldRegion *held = open_file.flock_region;
        open_file.flock_region = nullptr;
        HeldRegion *ranges = open_file.ofd.empty() ? nullptr : open_file.ofd.remove({}).lost;
        open_file.lock.unlock();
        const HeldRegion *any = held != nullptr ? held : ranges;
        const bool goes_on = any != nullptr && is_parents_too(any->descriptor);
        const record::Release how = goes_on ? record::Release::unknown : record::Release::exit;
        if (held != nullptr) {
            end_region(thread_, held, how, end_ticks_);
        }
        (void)end_list(thread_, ranges, how, end_ticks_);
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

/// A child's copies of its parent's regions: they are the parent's to count.
class ForkVisitor final : public HeldVisitor {
public:
    void visit(OpenFile &open_file) override {
        forget(open_file.flock_region);
        for (unsigned i = 0; i < open_file.ofd.count(); ++i) {
            forget(open_file.ofd[i].region);
        }
    }
    void visit(LockedFile &file) override {
        const HeldRegion *lost = file.posix.remove({}).lost; // its memory is a copy too; not worth collecting
        (void)lost;
    }

private:
    static void forget(HeldRegion *region) {
        if (region != nullptr) {
            region->since_ticks = 0;
            region->live = nullptr;
            region->leaf_owner = nullptr;
        }
    }
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

bool end_by_unlock(ThreadState &thread, OpenFile &open_file, const Operation &operation) {
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

void end_dropped(ThreadState &thread, HeldRegion *regions, record::Release how, std::uint64_t end_ticks) {
    (void)end_list(thread, regions, how, end_ticks);
}

void end_all_at_exit(ThreadState &thread, std::uint64_t end_ticks) {
    ExitVisitor visitor(thread, end_ticks);
    visit_held(visitor);
}

void forget_parent_regions() {
    ForkVisitor visitor;
    visit_held(visitor);
    files_with_posix_locks = 0;
}

} // namespace flockstat::shim
