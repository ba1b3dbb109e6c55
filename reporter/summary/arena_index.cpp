#include "reporter/summary/arena_index.h"

#include <algorithm>

namespace flockstat::summary {
namespace {

using record::LeafKind;

constexpr std::uint64_t spare_records = 256; ///< that others may add between counting and collecting

/// Walks a chain; `left` bounds the steps of all walks together.
template<typename Record, typename Visit>
void walk(const record::ArenaView &arena, Ref head, std::uint64_t *left, Visit visit) {
    Record record;
    for (Ref ref = head; ref != 0 && *left != 0 && arena.copy(ref, &record); ref = record.next) {
        --*left;
        visit(ref, record);
    }
}

std::uint64_t most_steps(const record::ArenaView &arena) { return arena.bytes() / sizeof(record::Region); }

struct RecordCounts {
    std::uint64_t items = spare_records;
    std::uint64_t processes = spare_records;
};

RecordCounts count_records(const record::ArenaView &arena) {
    RecordCounts counts;
    std::uint64_t left = most_steps(arena);
    for (const Ref head : arena.header().process_heads) {
        walk<record::Process>(arena, head, &left, [&](Ref, const record::Process &) { ++counts.processes; });
    }
    walk<record::ThreadBlock>(
        arena, arena.header().blocks, &left, [&](Ref, const record::ThreadBlock &block) {
            counts.items += record::max_episodes;
            walk<record::Leaf>(arena, block.leaves, &left,
                               [&](Ref, const record::Leaf &) { ++counts.items; });
            walk<record::RegionGroup>(arena, block.regions, &left, [&](Ref, const record::RegionGroup &) {
                counts.items += record::regions_in_group;
            });
        });
    return counts;
}

bool is_valid(record::Family family) { return static_cast<unsigned>(family) < record::family_count; }
bool is_valid(record::Mode mode) { return mode == record::Mode::shared || mode == record::Mode::exclusive; }

bool comes_before(const Item &a, const Item &b) {
    return a.lock != b.lock ? a.lock < b.lock : a.stack != b.stack ? a.stack < b.stack : a.record < b.record;
}

} // namespace

std::size_t ArenaIndex::bytes_needed(const record::ArenaView &arena) {
    const RecordCounts counts = count_records(arena);
    // Each item may be a lock and a site of its own.
    return counts.items * (sizeof(Item) + 2 * sizeof(Group)) +
           counts.processes * (sizeof(ProcessEntry) + sizeof(std::uint32_t)) + 4096;
}

ArenaIndex::ArenaIndex(const record::ArenaView &arena, const TickScale &scale, std::uint64_t now_ticks,
                       Memory &memory)
    : arena_(arena), scale_(scale), read_at_ns_(scale.moment_ns(now_ticks)), steps_left_(most_steps(arena)) {
    const RecordCounts counts = count_records(arena);
    processes_ = memory.take<ProcessEntry>(counts.processes);
    items_ = memory.take<Item>(counts.items);
    collect_processes();
    collect_blocks();
    see_events();
    judge_endings();
    link_images();
    items_ = items_.first(used_);
    add_closed_regions();
    std::sort(items_.begin(), items_.end(), comes_before);
    group_items(memory);
}

void ArenaIndex::collect_processes() {
    std::size_t used = 0;
    for (const Ref head : arena_.header().process_heads) {
        walk<record::Process>(arena_, head, &steps_left_, [&](Ref ref, const record::Process &stored) {
            if (stored.state == record::ProcessState::unused || used == processes_.size()) {
                return;
            }
            if (stored.state > record::ProcessState::execed || stored.pid <= 0) {
                ++damaged_;
                return;
            }
            ProcessEntry &process = processes_[used++];
            process = {};
            process.ref = ref;
            process.record = stored;
        });
    }
    processes_ = processes_.first(used);
    std::sort(processes_.begin(), processes_.end(),
              [](const ProcessEntry &a, const ProcessEntry &b) { return a.ref < b.ref; });
    for (ProcessEntry &process : processes_) {
        const record::Process &stored = process.record;
        process.attached_at_ns = process.last_seen_at_ns = scale_.moment_ns(stored.attached_ticks);
        if (stored.state != record::ProcessState::running) {
            process.ended_at_ns = std::max(process.attached_at_ns, scale_.moment_ns(stored.ended_ticks));
            process.last_seen_at_ns = process.ended_at_ns;
            process.ending = stored.state == record::ProcessState::exited ? Ending::exited : Ending::execed;
        }
        add_totals(process, stored.totals[stored.epoch & 1U]);
    }
}

void ArenaIndex::collect_blocks() {
    walk<record::ThreadBlock>(arena_, arena_.header().blocks, &steps_left_,
                              [&](Ref ref, const record::ThreadBlock &block) { collect_block(ref, block); });
}

void ArenaIndex::collect_block(Ref ref, const record::ThreadBlock &block) {
    walk<record::Leaf>(arena_, block.leaves, &steps_left_, [&](Ref leaf_ref, const record::Leaf &leaf) {
        record::Leaf copy;
        record::LeafExtra extra;
        if (read_leaf(leaf_ref, &copy, &extra)) {
            add_item({leaf.lock, leaf.stack, leaf_ref, 0, ItemKind::leaf, 0});
        } else {
            ++damaged_;
        }
    });
    collect_regions(block);
    ProcessEntry *process = find(block.process);
    for (std::uint8_t slot = 0; slot < record::max_episodes; ++slot) {
        const record::Episode &episode = block.episodes[slot];
        if (episode.first_ticks == 0) {
            continue;
        }
        see(block.process, episode.last_ticks);
        if (episode.lock != 0) {
            add_item({episode.lock, episode.stack, ref, block.process, ItemKind::episode, slot});
        }
    }
    if (process == nullptr) {
        return;
    }
    if (block.waiting.since_ticks != 0) {
        see(block.process, block.waiting.since_ticks);
    }
    if (block.epoch == process->record.epoch) {
        add_totals(*process, block.totals);
    }
}

void ArenaIndex::collect_regions(const record::ThreadBlock &block) {
    walk<record::RegionGroup>(
        arena_, block.regions, &steps_left_, [&](Ref ref, const record::RegionGroup &group) {
            for (std::uint8_t slot = 0; slot < record::regions_in_group; ++slot) {
                const record::Region &region = group.slots[slot];
                if (region.since_ticks == 0) {
                    continue;
                }
                if (region.lock == 0 || !is_valid(region.mode)) {
                    ++damaged_;
                    continue;
                }
                see(region.process, region.since_ticks);
                add_item({region.lock, region.stack, ref, region.process, ItemKind::region, slot});
            }
        });
}

void ArenaIndex::see_events() {
    walk<record::EventChunk>(arena_, arena_.header().event_chunks, &steps_left_,
                             [&](Ref, const record::EventChunk &chunk) {
                                 for (const record::Event &event : chunk.events) {
                                     if (event.kind != record::EventKind::none) {
                                         see(event.process, event.end_ticks);
                                     }
                                 }
                             });
}

void ArenaIndex::see(Ref process, std::uint64_t ticks) {
    if (ProcessEntry *seen = find(process); seen != nullptr) {
        seen->last_seen_at_ns = std::max(seen->last_seen_at_ns, scale_.moment_ns(ticks));
    }
}

void ArenaIndex::add_totals(ProcessEntry &process, const record::ProcessTotals &totals) {
    if (totals.attempts > plausible_count || totals.unlocks > plausible_count ||
        !is_plausible(totals.enter) || !is_plausible(totals.region) || !is_plausible(totals.wait)) {
        ++damaged_;
        return;
    }
    process.attempts += totals.attempts;
    process.unlocks += totals.unlocks;
    process.enter.merge(in_ns(totals.enter, scale_));
    process.region.merge(in_ns(totals.region, scale_));
    process.wait.merge(in_ns(totals.wait, scale_));
    for (const ShortSum *sum : {&process.enter, &process.region, &process.wait}) {
        process.last_seen_at_ns = std::max(process.last_seen_at_ns, sum->last_at_ns);
    }
}

/// Regions that the end of their process closed are samples of it.
void ArenaIndex::add_closed_regions() {
    for (const Item &item : items_) {
        record::Region region;
        ProcessEntry *process = item.kind == ItemKind::region ? find(item.process) : nullptr;
        if (process == nullptr || !read_region(item, &region)) {
            continue;
        }
        if (const RegionEnd end = end_of(item, region); end.is_sample()) {
            process->region.merge(one_sample(end.held_ns, end.at_ns));
        }
    }
}

void ArenaIndex::add_item(const Item &item) {
    if (record::Lock lock; item.lock != 0 && (!arena_.copy(item.lock, &lock) || !is_valid(lock.family))) {
        ++damaged_;
        return;
    }
    if (used_ < items_.size()) {
        items_[used_++] = item;
    }
}

bool ArenaIndex::read_leaf(Ref ref, record::Leaf *leaf, record::LeafExtra *extra) const {
    if (!arena_.copy(ref, leaf) || !is_valid(leaf->family) ||
        static_cast<unsigned>(leaf->kind) >= record::leaf_kind_count || leaf->calls > plausible_count ||
        !is_plausible(leaf->first) || !is_plausible(leaf->second)) {
        return false;
    }
    *extra = {};
    if (leaf->extra == 0) {
        return true;
    }
    if (!arena_.copy(leaf->extra, extra)) {
        return false;
    }
    for (const std::uint64_t count : {extra->refused, extra->interrupted, extra->deadlocked, extra->failed,
                                      extra->polled, extra->abandoned}) {
        if (count > plausible_count) {
            return false;
        }
    }
    return std::all_of(std::begin(extra->released), std::end(extra->released),
                       [](std::uint64_t count) { return count <= plausible_count; }) &&
           is_plausible(extra->wait) && is_plausible(extra->overshoot);
}

bool ArenaIndex::read_region(const Item &item, record::Region *region) const {
    record::RegionGroup group;
    if (!arena_.copy(item.record, &group)) {
        return false;
    }
    *region = group.slots[item.slot];
    return region->since_ticks != 0 && region->lock == item.lock &&
           is_valid(region->mode); // not closed meanwhile
}

bool ArenaIndex::read_episode(const Item &item, record::Episode *episode) const {
    record::ThreadBlock block;
    if (!arena_.copy(item.record, &block)) {
        return false;
    }
    *episode = block.episodes[item.slot];
    return episode->first_ticks != 0 && episode->lock == item.lock && is_valid(episode->mode);
}

const ProcessEntry *ArenaIndex::process(Ref ref) const {
    const auto found =
        std::lower_bound(processes_.begin(), processes_.end(), ref,
                         [](const ProcessEntry &entry, Ref wanted) { return entry.ref < wanted; });
    return found != processes_.end() && found->ref == ref && ref != 0 ? &*found : nullptr;
}

ProcessEntry *ArenaIndex::find(Ref ref) { return const_cast<ProcessEntry *>(process(ref)); }

} // namespace flockstat::summary
