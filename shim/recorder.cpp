#include "shim/recorder.h"

#include "shim/private_memory.h"

#include <new>

namespace flockstat::shim {
namespace {

constexpr std::uint64_t own_room_bytes = 4096;

/// Two words with one store: a process that is killed leaves both or none (a signal comes between
/// instructions).
void store_pair(std::uint64_t *first, std::uint64_t one, std::uint64_t two) {
    using Pair = std::uint64_t __attribute__((vector_size(16), may_alias));
    *reinterpret_cast<volatile Pair *>(first) = Pair{one, two};
}

record::Header &header() { return *reinterpret_cast<record::Header *>(run.arena.base); }

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
    std::uint32_t &count = line->counts[bucket % record::steps_in_octave];
    count += count != UINT32_MAX ? 1U : 0U;
    return true;
}

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

void add_sample(ThreadState &thread, record::Stat &stat, std::uint64_t ticks, std::uint64_t at) {
    const std::uint64_t count = stat.count;
    const std::uint64_t old_min = stat.min_ticks;
    const std::uint64_t old_max = stat.max_ticks;
    if (count == 0 || ticks < old_min) {
        stat.min_ticks = ticks;
    }
    if (ticks > old_max) {
        stat.max_ticks = ticks;
    }
    stat.last_ticks = ticks;
    stat.last_at_ticks = at;
    if (count >= record::samples_without_histogram) {
        auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
        if (histogram == nullptr && count == record::samples_without_histogram) {
            histogram = make_histogram(thread, stat, old_min, old_max);
        }
        if (histogram != nullptr) {
            (void)count_bucket(thread, *histogram,
                               record::bucket_of(ticks)); // without room: missing in the percentiles only
        }
    }
    store_pair(&stat.count, count + 1, stat.sum_ticks + ticks);
}

void add_sample(record::ShortStat &stat, std::uint64_t ticks, std::uint64_t at) {
    if (stat.count == 0 || ticks < stat.min_ticks) {
        stat.min_ticks = ticks;
    }
    if (ticks > stat.max_ticks) {
        stat.max_ticks = ticks;
    }
    stat.last_ticks = ticks;
    stat.last_at_ticks = at;
    store_pair(&stat.count, stat.count + 1, stat.sum_ticks + ticks);
}

record::Leaf *find_leaf(ThreadState &thread, StackUse use, record::Ref lock, record::LeafKind kind,
                        record::Family family) {
    const std::uint64_t key = leaf_key(lock, use.stack, kind, family);
    if (use.cached != nullptr) {
        for (unsigned i = 0; i < 4; ++i) {
            if (use.cached->leaf_key[i] == key) {
                return static_cast<record::Leaf *>(use.cached->leaf[i]);
            }
        }
    }
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
    if (use.cached != nullptr) {
        const unsigned slot = static_cast<unsigned>((key >> 33U) ^ key) & 3U;
        use.cached->leaf[slot] = leaf;
        use.cached->leaf_key[slot] = key;
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

HeldRegion *take_region(ThreadState &thread) {
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
    if (region->live == nullptr) {
        region->live = take_slot(thread);
    }
    return region;
}

void give_region(ThreadState &thread, HeldRegion *region) {
    if (region->live != nullptr) {
        __atomic_store_n(&region->live->since_ticks, 0, __ATOMIC_RELEASE);
    }
    region->next = thread.region_pool;
    thread.region_pool = region;
}

void publish_region(HeldRegion &region, Range range, std::uint64_t owner, int descriptor,
                    std::int32_t thread_id) {
    record::Region *live = region.live;
    if (live == nullptr) {
        return;
    }
    live->owner = owner;
    live->range_start = range.start;
    live->range_end = range.end;
    live->lock = region.lock;
    live->stack = region.stack;
    live->process = run.process_ref;
    live->descriptor = descriptor;
    live->thread = thread_id;
    live->family = region.family;
    live->mode = region.mode;
    live->holders = 1;
    __atomic_store_n(&live->since_ticks, region.since_ticks, __ATOMIC_RELEASE);
}

} // namespace flockstat::shim
