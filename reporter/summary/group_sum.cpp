#include "reporter/summary/group_sum.h"

namespace flockstat::summary {
namespace {

using record::LeafKind;
using record::Mode;
using record::Release;

bool is_acquire(LeafKind kind) {
    return kind == LeafKind::acquire_shared || kind == LeafKind::acquire_exclusive;
}

void count_acquire(const TickScale &scale, const record::Leaf &leaf, const record::LeafExtra &extra,
                   GroupCounts &counts) {
    counts.granted += leaf.first.count;
    counts.refused += extra.refused;
    counts.interrupted += extra.interrupted;
    counts.deadlocked += extra.deadlocked;
    counts.failed += extra.failed;
    counts.contended += extra.wait.count;
    counts.polled += extra.polled;
    counts.abandoned += extra.abandoned;
    counts.abandoned_ns = saturating_add(counts.abandoned_ns, scale.duration_ns(extra.abandoned_ticks));
    counts.held_open_ns = saturating_add(counts.held_open_ns, scale.duration_ns(extra.held_open_ticks));
    std::uint64_t otherwise = 0;
    for (unsigned cause = 0; cause < record::release_count; ++cause) {
        if (cause != static_cast<unsigned>(Release::unlock)) {
            counts.released[cause] += extra.released[cause];
        }
    }
    for (const Release cause : {Release::close, Release::exit, Release::exec, Release::converted}) {
        otherwise += extra.released[static_cast<unsigned>(cause)];
    }
    counts.released[static_cast<unsigned>(Release::unlock)] +=
        leaf.second.count > otherwise ? leaf.second.count - otherwise : 0;
}

void count_leaf(const TickScale &scale, const record::Leaf &leaf, const record::LeafExtra &extra,
                GroupCounts &counts) {
    constexpr std::uint32_t greatest_errno = 4095; // include/linux/err.h
    for (const record::ErrorCount &error : extra.errors) {
        if (error.count != 0) {
            counts.errors.add(error.error <= greatest_errno ? error.error : 0, error.count);
        }
    }
    if (is_acquire(leaf.kind)) {
        count_acquire(scale, leaf, extra, counts);
    } else {
        (leaf.kind == LeafKind::release ? counts.unlocks : counts.tests) += leaf.calls;
    }
}

bool has_mode(Counter counter, Mode mode) {
    switch (counter) {
    case Counter::enter_shared:
    case Counter::region_shared: return mode == Mode::shared;
    case Counter::enter_exclusive:
    case Counter::region_exclusive: return mode == Mode::exclusive;
    default: return true;
    }
}

bool is_region(Counter counter) {
    return counter == Counter::region || counter == Counter::region_shared ||
           counter == Counter::region_exclusive;
}

/// The samples of a leaf that the counter asks for; nullptr where it has none.
const record::Stat *samples(const record::Leaf &leaf, const record::LeafExtra &extra, Counter counter) {
    if (!is_acquire(leaf.kind)) {
        return counter == Counter::exit && leaf.kind == LeafKind::release ? &leaf.first : nullptr;
    }
    const Mode mode = leaf.kind == LeafKind::acquire_shared ? Mode::shared : Mode::exclusive;
    if (counter == Counter::exit || !has_mode(counter, mode)) {
        return nullptr;
    }
    if (counter == Counter::wait || counter == Counter::overshoot) {
        return counter == Counter::wait ? &extra.wait : &extra.overshoot;
    }
    return is_region(counter) ? &leaf.second : &leaf.first;
}

} // namespace

void ErrorTallies::add(std::uint32_t error, std::uint64_t count) {
    for (std::size_t i = 0; i < used_; ++i) {
        // The last place takes what is left.
        if (tallies_[i].error == error || i + 1 == tallies_.size()) {
            tallies_[i].count += count;
            return;
        }
    }
    tallies_[used_] = {used_ + 1 == tallies_.size() ? 0 : error, count};
    ++used_;
}

GroupCounts count_group(const ArenaIndex &index, std::span<const Item> items, const record::Family *family) {
    GroupCounts counts;
    for (const Item &item : items) {
        record::Leaf leaf;
        record::LeafExtra extra;
        record::Region region;
        record::Episode episode;
        if (item.kind == ItemKind::region) {
            if (index.read_region(item, &region)) {
                const RegionEnd end = index.end_of(item, region);
                ++counts.released[static_cast<unsigned>(end.cause)];
                counts.held_open_ns = saturating_add(counts.held_open_ns, end.is_sample() ? 0 : end.held_ns);
            }
        } else if (item.kind == ItemKind::episode) {
            if (index.read_episode(item, &episode) && index.is_abandoned(item, episode)) {
                ++counts.abandoned;
                counts.abandoned_ns = saturating_add(counts.abandoned_ns, index.tried_ns(episode));
            }
        } else if (index.read_leaf(item.record, &leaf, &extra) &&
                   (family == nullptr || leaf.family == *family)) {
            count_leaf(index.scale(), leaf, extra, counts);
        }
    }
    return counts;
}

StatNumbers sum_counter(const ArenaIndex &index, std::span<const Item> items, Counter counter,
                        SampleSum &sum) {
    sum.clear();
    for (const Item &item : items) {
        record::Leaf leaf;
        record::LeafExtra extra;
        record::Region region;
        if (item.kind == ItemKind::leaf && index.read_leaf(item.record, &leaf, &extra)) {
            if (const record::Stat *stat = samples(leaf, extra, counter); stat != nullptr) {
                sum.add(*stat);
            }
        } else if (item.kind == ItemKind::region && is_region(counter) && index.read_region(item, &region) &&
                   has_mode(counter, region.mode)) {
            const RegionEnd end = index.end_of(item, region);
            if (end.is_sample()) {
                sum.add_sample(end.held_ns, end.at_ns);
            }
        }
    }
    return sum.numbers();
}

} // namespace flockstat::summary
