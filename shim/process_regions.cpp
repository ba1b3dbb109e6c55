#include "shim/process_regions.h"

#include "shim/kept_files.h"
#include "shim/mapped_file.h"
#include "shim/open_file.h"
#include "shim/ownership.h"
#include "shim/recorder.h"
#include "shim/region_end.h"

namespace flockstat::shim {
namespace {

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
        const bool held = !file.posix.empty();
        HeldRegion *ranges = file.posix.remove({}).lost;
        note_posix_change(held, !file.posix.empty());
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

/// Looks for a region by its slot.
class SlotSearch final : public HeldVisitor {
public:
    explicit SlotSearch(const record::Region &slot) : slot_(slot) {}

    void visit(OpenFile &open_file) override {
        for_regions(open_file, [&](const HeldRegion &region) { compare(region); });
    }
    void visit(LockedFile &file) override {
        for (unsigned i = 0; i < file.posix.count(); ++i) {
            compare(*file.posix[i].region);
        }
    }
    void compare(const HeldRegion &region) { found_ = found_ || region.live == &slot_; }

    [[nodiscard]] bool found() const { return found_; }

private:
    const record::Region &slot_;
    bool found_ = false;
};

/// Does the process have the region that a slot shows, or is it about to ask whether it does?
bool is_had(const record::Region &slot) {
    SlotSearch search(slot);
    visit_held(search);
    for (const ThreadState *thread = all_thread_states(); thread != nullptr; thread = thread->next_all) {
        for (const HeldRegion *region = thread->in_doubt; region != nullptr; region = region->next) {
            search.compare(*region);
        }
    }
    return search.found();
}

} // namespace

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

void free_orphan_slots(const ThreadState &thread) {
    record::Ref ref = thread.block->regions;
    for (unsigned i = 0; i < record::max_chain_steps; ++i) {
        auto *group = record::resolve<record::RegionGroup>(run.arena, ref);
        if (group == nullptr) {
            break;
        }
        for (record::Region &slot : group->slots) {
            if (slot.since_ticks != 0 && slot.process == run.process_ref && !is_had(slot)) {
                __atomic_store_n(&slot.since_ticks, std::uint64_t{0}, __ATOMIC_RELEASE);
            }
        }
        ref = group->next;
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
