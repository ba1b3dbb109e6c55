#include "shim/handover.h"

#include "reporter/record/system_call.h"
#include "shim/lock_lines.h"
#include "shim/own_descriptor.h"
#include "shim/region_end.h"
#include "shim/region_slots.h"

#include <charconv>
#include <cstring>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

constexpr unsigned max_keeps = 100'000;

record::Header &header() { return *reinterpret_cast<record::Header *>(run.arena.base); }

record::Ref ref_of(const void *in_arena) {
    return static_cast<record::Ref>(
        static_cast<std::uint64_t>(static_cast<const char *>(in_arena) - run.arena.base) / record::ref_unit);
}

/// The arguments of a process, as the kernel has them; this process's own where they cannot be read.
record::Ref command_of(std::int32_t pid) {
    char path[32] = "/proc/";
    char text[512];
    char *end = std::to_chars(path + 6, path + 18, pid).ptr;
    std::memcpy(end, "/cmdline", sizeof "/cmdline");
    const OwnDescriptor file(path);
    if (file.number() < 0) {
        return 0;
    }
    const long bytes = system_call(SYS_read, file.number(), address_of(text), sizeof text);
    return bytes > 1 ? record::intern_string(run.arena, {text, static_cast<std::size_t>(bytes - 1)}) : 0;
}

/// The record of a process, or one that stands in for it until it attaches itself.
record::Process *process_of(std::int32_t pid, record::Ref *ref) {
    record::Process *known = find_process(pid, ref);
    if (known != nullptr && known->state == record::ProcessState::running) {
        return known;
    }
    record::Process *made = make_process(pid, ref);
    if (made != nullptr) {
        made->pid_namespace = run.pid_namespace;
        made->command = command_of(pid);
        made->stand_in = 1;
        show_process(made, *ref);
    }
    return made;
}

bool put(record::Process &process, const record::Keep &keep) {
    const record::Ref ref = record::take_room(run.arena, sizeof(record::Keep));
    auto *mine = record::resolve<record::Keep>(run.arena, ref);
    if (mine == nullptr) {
        return false;
    }
    *mine = keep;
    record::push(&process.keeps, mine, ref);
    __atomic_fetch_add(&header().handovers, 1U, __ATOMIC_RELEASE);
    return true;
}

record::Keep keep_of(const HeldRegion &region, Range range, int descriptor) {
    record::Keep keep{};
    keep.region = ref_of(region.live);
    keep.since_ticks = region.since_ticks;
    keep.handed_ticks = now_ticks();
    keep.range_start = range.start;
    keep.range_end = range.end;
    keep.descriptor = descriptor;
    keep.duplicate_of = -1;
    keep.keeper = run.process_ref;
    return keep;
}

/// A region object for a slot that is not this process's.
HeldRegion *take_guest(ThreadState &thread, record::Region &slot, std::uint64_t since_ticks) {
    HeldRegion *region = take_region(thread);
    if (region == nullptr) {
        return nullptr;
    }
    region->guest = true;
    region->made_in = 0;
    region->shared = slot.holders > 1;
    region->spare = region->live;
    region->live = &slot;
    region->leaf = nullptr;
    region->leaf_owner = nullptr;
    region->memo = {};
    region->since_ticks = since_ticks;
    region->owner = slot.owner;
    region->descriptor = slot.descriptor;
    region->lock = slot.lock;
    region->stack = slot.stack;
    region->family = slot.family;
    region->mode = slot.mode;
    return region;
}

/// Makes the process that had it before look before it counts the region as its own alone.
void warn_others(const record::Region &slot) {
    auto *lock = record::resolve<record::Lock>(run.arena, slot.lock);
    if (lock != nullptr) {
        __atomic_store_n(&lock->waited_ticks, now_ticks(), __ATOMIC_RELAXED);
    }
}

void adopt_flock(ThreadState &thread, OpenFile &open_file, record::Region &slot, std::uint64_t since_ticks) {
    if (!open_file.lock.lock()) {
        return;
    }
    HeldRegion *known = open_file.flock_region;
    const bool has_it = known != nullptr && known->live == &slot && known->since_ticks == since_ticks;
    HeldRegion *region = has_it ? nullptr : take_guest(thread, slot, since_ticks);
    if (region != nullptr) {
        open_file.flock_region = region;
    }
    open_file.lock.unlock();
    if (region != nullptr && known != nullptr) {
        // This process asked for the lock again, before it knew that it has it: no lock of its own.
        (void)end_region(thread, known, record::Release::unknown, known->since_ticks);
    }
}

void adopt_range(ThreadState &thread, Extents &extents, SpinLock &lock, record::Region &slot,
                 const record::Keep &keep) {
    if (!lock.lock()) {
        return;
    }
    HeldRegion *region = nullptr;
    for (unsigned i = 0; i < extents.count() && region == nullptr; ++i) {
        HeldRegion *known = extents[i].region;
        region = known->live == &slot && known->since_ticks == keep.since_ticks ? known : nullptr;
    }
    const bool had_it = region != nullptr;
    if (!had_it) {
        region = take_guest(thread, slot, keep.since_ticks);
    }
    if (region != nullptr) {
        const Extents::Change change = extents.assign({keep.range_start, keep.range_end}, region);
        if (!change.took && !had_it) {
            drop_region(thread, region, true);
        }
    }
    lock.unlock();
}

/// Its keeper does not have it: it was closed meanwhile by a call that nobody saw.
void end_unseen(ThreadState &thread, record::Region &slot, const record::Keep &keep) {
    if (HeldRegion *region = take_guest(thread, slot, keep.since_ticks); region != nullptr) {
        (void)end_region(thread, region, record::Release::unknown, keep.handed_ticks);
    }
}

/// After a lock call the kernel may show no lock any more of what this process had until then.
enum class Adopting : std::uint8_t { before, after_lock_call };

/// Is a descriptor's open file description, whose number was that of the one that the region is of when it
/// was handed over, that one still? One that this process gave its number is known by it; one that holds no
/// lock is another.
bool is_still_of(const OpenFile &open_file, const record::Region &slot, int descriptor, Adopting when) {
    if (slot.owner >> 32U == run.process_ref && slot.owner != open_file.number) {
        return false;
    }
    LockLines lines;
    return when == Adopting::after_lock_call || !lines.read(descriptor) || !lines.empty();
}

void adopt(ThreadState &thread, const record::Keep &keep, Adopting when) {
    auto *slot = record::resolve<record::Region>(run.arena, keep.region);
    if (slot == nullptr || keep.since_ticks == 0 ||
        __atomic_load_n(&slot->since_ticks, __ATOMIC_ACQUIRE) != keep.since_ticks) {
        return; // it ended
    }
    record::Ref keeper = keep.keeper;
    if (slot->process != run.process_ref &&
        !__atomic_compare_exchange_n(&slot->process, &keeper, run.process_ref, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        return; // another co-holder took it over
    }
    const auto *lock = record::resolve<record::Lock>(run.arena, slot->lock);
    if (lock == nullptr) {
        return;
    }
    if (slot->family == Family::posix) {
        if (LockedFile *file = adopt_file(*lock); file != nullptr) {
            const bool held = !file->posix.empty();
            adopt_range(thread, file->posix, file->lock, *slot, keep);
            note_posix_change(held, !file->posix.empty());
        }
        return;
    }
    OpenFile *open_file = adopt_descriptor(keep.descriptor, *lock);
    if (open_file == nullptr || !is_still_of(*open_file, *slot, keep.descriptor, when)) {
        end_unseen(thread, *slot, keep);
    } else if (slot->family == Family::flock) {
        adopt_flock(thread, *open_file, *slot, keep.since_ticks);
    } else {
        adopt_range(thread, open_file->ofd, open_file->lock, *slot, keep);
    }
}

/// This process's record, or the one that stands in for it; nullptr where it has none. A raw clone that did
/// not notice yet that it is one has its parent's in memory.
record::Process *own_record(record::Ref *ref) {
    const bool unnoticed_child = run.fork_page != nullptr && run.fork_page->generation == 0;
    *ref = run.process_ref;
    return run.process != nullptr && !unnoticed_child
               ? run.process
               : find_process(static_cast<std::int32_t>(system_call(SYS_getpid)), ref);
}

/// Calls visit(keep) for what was put on this process, newest first.
template<typename Visit>
void for_keeps(record::Ref head, Visit visit) {
    for (unsigned i = 0; i < max_keeps; ++i) {
        const auto *keep = record::resolve<record::Keep>(run.arena, head);
        if (keep == nullptr) {
            return;
        }
        const record::Keep copy = *keep;
        visit(copy);
        head = copy.next;
    }
}

void adopt_all(ThreadState &thread, Adopting when) {
    const std::uint64_t handovers = __atomic_load_n(&header().handovers, __ATOMIC_ACQUIRE);
    record::Ref ref = 0;
    const record::Process *mine = own_record(&ref);
    if (mine == nullptr || mine->keeps == 0 || !ensure_block(thread) || run.process_ref != ref) {
        return;
    }
    const record::Ref keeps = __atomic_exchange_n(&run.process->keeps, 0, __ATOMIC_ACQ_REL);
    for_keeps(keeps, [&](const record::Keep &keep) {
        if (keep.region != 0) {
            adopt(thread, keep, when);
        }
    });
    for_keeps(keeps, [](const record::Keep &keep) {
        if (keep.region == 0) {
            adopt_duplicate(keep.descriptor, keep.duplicate_of);
        }
    });
    run.handovers_seen = handovers;
}

} // namespace

bool hand_over(const HeldRegion &region, const CoHolder &to) {
    record::Ref ref = 0;
    record::Process *process = region.live != nullptr ? process_of(to.pid, &ref) : nullptr;
    if (process == nullptr) {
        return false;
    }
    record::Region &slot = *region.live;
    const Range range{slot.range_start, slot.range_end};
    slot.descriptor = to.descriptor;
    if (slot.holders < 2) {
        slot.holders = 2;
    }
    __atomic_store_n(&slot.process, ref, __ATOMIC_RELEASE);
    record::Keep keep = keep_of(region, range, to.descriptor);
    keep.keeper = ref;
    return put(*process, keep);
}

bool look_for_keeps() {
    const std::uint64_t handovers = __atomic_load_n(&header().handovers, __ATOMIC_ACQUIRE);
    record::Ref ref = 0;
    const record::Process *mine = own_record(&ref);
    const bool any = mine != nullptr && __atomic_load_n(&mine->keeps, __ATOMIC_ACQUIRE) != 0;
    if (!any) {
        run.handovers_seen = handovers;
    }
    return any;
}

void adopt_handovers(ThreadState &thread) { adopt_all(thread, Adopting::before); }

void keep_over_exec(const HeldRegion &region, Range range, int descriptor) {
    if (region.live != nullptr && region.since_ticks != 0 && region.live->process == run.process_ref) {
        (void)put(*run.process, keep_of(region, range, descriptor));
    }
}

void keep_duplicate_over_exec(int descriptor, int duplicate_of) {
    record::Keep keep{};
    keep.descriptor = descriptor;
    keep.duplicate_of = duplicate_of;
    (void)put(*run.process, keep);
}

namespace {

/// Is a region of the keeper's of this process's `descriptor`, too? Its keeper may have the descriptor under
/// another number by now, but not while the number that the region tells is open on the file: then that is
/// the one that has the lock, and what is compared is another open of the file.
bool is_of(const record::Region &slot, std::int32_t keeper, int descriptor) {
    if (is_same_description(descriptor, keeper, slot.descriptor) == Answer::yes) {
        return true;
    }
    const Answer same_file = is_same_file(descriptor, keeper, slot.descriptor);
    return (same_file == Answer::no || same_file == Answer::absent) && find_number(descriptor, keeper) >= 0;
}

} // namespace

void join_shared_regions(ThreadState &thread, OpenFile &open_file, int descriptor) {
    if (anything_handed()) {
        adopt_all(thread, Adopting::after_lock_call);
    }
    const record::Ref flock_lock = lock_record_if_any(*open_file.file, Family::flock);
    const record::Ref ofd_lock = lock_record_if_any(*open_file.file, Family::ofd);
    visit_region_slots([&](record::Region &slot) {
        const std::uint64_t since_ticks = slot.since_ticks;
        const bool of_file = slot.lock != 0 && (slot.lock == flock_lock || slot.lock == ofd_lock);
        const auto *keeper = record::resolve<record::Process>(run.arena, slot.process);
        if (since_ticks == 0 || !of_file || slot.process == run.process_ref || keeper == nullptr ||
            !is_of(slot, keeper->pid, descriptor)) {
            return;
        }
        if (slot.holders < 2) {
            slot.holders = 2;
        }
        warn_others(slot);
        record::Keep keep{};
        keep.since_ticks = since_ticks;
        keep.range_start = slot.range_start;
        keep.range_end = slot.range_end;
        if (slot.family == Family::flock) {
            adopt_flock(thread, open_file, slot, since_ticks);
        } else {
            adopt_range(thread, open_file.ofd, open_file.lock, slot, keep);
        }
    });
}

} // namespace flockstat::shim
