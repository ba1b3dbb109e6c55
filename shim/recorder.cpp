#include "shim/recorder.h"

#include "shim/private_memory.h"

#include <new>

namespace flockstat::shim {
namespace {

constexpr std::uint64_t own_room_bytes = 4096;

/// Counts one more in a bucket; false where there is no room for its octave.
bool count_bucket(ThreadState &thread, record::Histogram &histogram, unsigned bucket) {
    record::Ref &octave = histogram.octaves[bucket / record::steps_in_octave];
    if (octave == 0) {
        octave = take_own_room(thread, sizeof(record::OctaveCounts), alignof(record::OctaveCounts));
    }
    auto *line = record::resolve<record::OctaveCounts>(run.arena, octave);
    if (line == nullptr) {
        return false;
    }
    count_in_octave(*line, bucket);
    return true;
}

record::Header &header() { return *reinterpret_cast<record::Header *>(run.arena.base); }

/// The fourth sample: the first three, which are min, max and the rest, go into a histogram now.
record::Histogram *make_histogram(ThreadState &thread, record::Stat &stat, std::uint64_t first_three_min,
                                  std::uint64_t first_three_max) {
    const record::Ref ref = take_own_room(thread, sizeof(record::Histogram), record::ref_unit);
    auto *histogram = record::resolve<record::Histogram>(run.arena, ref);
    if (histogram == nullptr) {
        return nullptr;
    }
    const std::uint64_t rest = stat.sum_ticks - first_three_min - first_three_max;
    for (const std::uint64_t value : {first_three_min, rest, first_three_max}) {
        if (!count_bucket(thread, *histogram, record::bucket_of(value))) {
            break;
        }
    }
    stat.histogram = ref;
    return histogram;
}

record::RegionGroup *next_slot_group(ThreadState &thread) {
    if (thread.slots != nullptr && thread.slots->next != 0) { // of the thread that had this block before
        return record::resolve<record::RegionGroup>(run.arena, thread.slots->next);
    }
    const record::Ref ref =
        take_own_room(thread, sizeof(record::RegionGroup), alignof(record::Region) > 64 ? 128 : 64);
    auto *group = record::resolve<record::RegionGroup>(run.arena, ref);
    if (group == nullptr) {
        return nullptr;
    }
    if (thread.slots == nullptr) {
        thread.block->regions = ref;
    } else {
        thread.slots->next = ref;
    }
    return group;
}

/// A slot for a live region that no region object has yet. Slots still in use from before (another process's,
/// inherited) stay.
record::Region *take_slot(ThreadState &thread) {
    if (thread.slots == nullptr && thread.block->regions != 0) {
        thread.slots = record::resolve<record::RegionGroup>(run.arena, thread.block->regions);
        thread.slots_used = 0;
    }
    for (unsigned groups = 0; groups < 10'000; ++groups) {
        while (thread.slots != nullptr && thread.slots_used < record::regions_in_group) {
            record::Region &slot = thread.slots->slots[thread.slots_used++];
            if (slot.since_ticks == 0) {
                return &slot;
            }
        }
        record::RegionGroup *group = next_slot_group(thread);
        if (group == nullptr) {
            return nullptr;
        }
        thread.slots = group;
        thread.slots_used = 0;
    }
    return nullptr;
}

} // namespace

record::Ref take_own_room(ThreadState &thread, std::uint64_t bytes, std::uint64_t alignment) {
    std::uint64_t start = (thread.room_next + alignment - 1) & ~(alignment - 1);
    if (start + bytes > thread.room_end) {
        const std::uint64_t wanted = bytes > own_room_bytes ? bytes : own_room_bytes;
        const record::Ref ref = record::take_room(run.arena, wanted, 64);
        if (ref == 0) {
            return 0;
        }
        start = std::uint64_t{ref} * record::ref_unit;
        thread.room_end = start + wanted;
    }
    thread.room_next = (start + bytes + record::ref_unit - 1) & ~std::uint64_t{record::ref_unit - 1};
    return static_cast<record::Ref>(start / record::ref_unit);
}

void add_to_histogram(ThreadState &thread, record::Stat &stat, std::uint64_t ticks, std::uint64_t min_before,
                      std::uint64_t max_before) {
    auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
    if (histogram == nullptr && stat.count == record::samples_without_histogram) {
        histogram = make_histogram(thread, stat, min_before, max_before);
    }
    if (histogram != nullptr) {
        (void)count_bucket(thread, *histogram,
                           record::bucket_of(ticks)); // without room: missing in the percentiles only
    }
}

namespace {

/// Counts in the histogram, where there is one, and learns where.
void learn_octave(ThreadState &thread, record::Stat &stat, OctaveMemo &memo, std::uint64_t ticks) {
    memo = {};
    if (stat.count < record::samples_without_histogram) {
        return;
    }
    add_to_histogram(thread, stat, ticks, stat.min_ticks, stat.max_ticks);
    const auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
    if (histogram != nullptr) {
        const unsigned octave = record::bucket_of(ticks) / record::steps_in_octave;
        if (auto *line = record::resolve<record::OctaveCounts>(run.arena, histogram->octaves[octave]);
            line != nullptr) {
            memo.learn(ticks, line);
        }
    }
}

} // namespace

void add_first_samples(ThreadState &thread, record::Stat &stat, OctaveMemo &memo, record::ShortStat *total,
                       std::uint64_t ticks, std::uint64_t at) {
    learn_octave(thread, stat, memo, ticks);
    add_to_summary(stat, ticks, at);
    if (total != nullptr) {
        add_to_summary(*total, ticks, at);
    }
}

record::Leaf *look_up_leaf(ThreadState &thread, StackUse use, record::Ref lock, record::LeafKind kind,
                           record::Family family) {
    const std::uint64_t key = leaf_key(lock, use.stack, kind, family);
    record::Leaf *leaf = thread.leaves.find(key);
    if (leaf == nullptr) {
        const record::Ref ref = take_own_room(thread, sizeof(record::Leaf), alignof(record::Leaf));
        leaf = record::resolve<record::Leaf>(run.arena, ref);
        if (leaf == nullptr) {
            return nullptr;
        }
        leaf->lock = lock;
        leaf->stack = use.stack;
        leaf->kind = kind;
        leaf->family = family;
        leaf->next = thread.block->leaves;
        __atomic_store_n(&thread.block->leaves, ref, __ATOMIC_RELEASE);
        ++thread.block->leaf_count;
        (void)thread.leaves.insert(key, leaf);
    }
    if (use.cached != nullptr && lock != 0) {
        const std::uint64_t known = CachedStack::key_of(lock, static_cast<unsigned>(kind));
        use.cached->leaves[CachedStack::slot_of(known)] = {.key = known, .leaf = leaf, .memo = {}};
    }
    return leaf;
}

record::LeafExtra *find_extra(ThreadState &thread, record::Leaf &leaf) {
    if (leaf.extra == 0) {
        leaf.extra = take_own_room(thread, sizeof(record::LeafExtra), alignof(record::LeafExtra));
    }
    return record::resolve<record::LeafExtra>(run.arena, leaf.extra);
}

void log_event(ThreadState &thread, const record::Event &event) {
    if (thread.events == nullptr || thread.event_count == record::events_in_chunk) {
        const std::uint64_t budget = run.arena.bytes / record::event_share_divisor;
        record::Ref ref = 0;
        if (__atomic_load_n(&header().event_bytes, __ATOMIC_RELAXED) < budget) {
            __atomic_fetch_add(&header().event_bytes, sizeof(record::EventChunk), __ATOMIC_RELAXED);
            ref = record::take_room(run.arena, sizeof(record::EventChunk), 64);
        }
        auto *chunk = record::resolve<record::EventChunk>(run.arena, ref);
        if (chunk == nullptr) {
            count_lost(&record::Lost::events);
            return;
        }
        record::push(&header().event_chunks, chunk, ref);
        thread.block->events = ref;
        thread.events = chunk;
        thread.event_count = 0;
    }
    record::Event &slot = thread.events->events[thread.event_count++];
    record::Event unborn = event;
    unborn.kind = record::EventKind::none;
    slot = unborn;
    __atomic_store_n(reinterpret_cast<std::uint8_t *>(&slot.kind), static_cast<std::uint8_t>(event.kind),
                     __ATOMIC_RELEASE);
}

void log_spare_event(ThreadState &thread, const record::Event &event) {
    const std::uint64_t budget = run.arena.bytes / record::event_share_divisor;
    if (__atomic_load_n(&header().event_bytes, __ATOMIC_RELAXED) < budget / 2) {
        log_event(thread, event);
    }
}

HeldRegion *make_region(ThreadState &thread) {
    if (thread.region_pool == nullptr) {
        constexpr std::size_t bytes = 4096;
        auto *page = static_cast<char *>(map_pages(bytes));
        if (page == nullptr) {
            return nullptr;
        }
        for (std::size_t at = 0; at + sizeof(HeldRegion) <= bytes; at += sizeof(HeldRegion)) {
            auto *region = new (page + at) HeldRegion;
            region->next = thread.region_pool;
            thread.region_pool = region;
        }
    }
    HeldRegion *region = thread.region_pool;
    thread.region_pool = region->next;
    region->next = nullptr;
    region->pieces = 0;
    region->live = take_slot(thread);
    region->leaf = nullptr; // nothing of it is in the slot yet
    return region;
}

} // namespace flockstat::shim
