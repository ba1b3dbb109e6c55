/// Items -> locks and sites, ranked.
#include "reporter/summary/arena_index.h"

#include <algorithm>

namespace flockstat::summary {
namespace {

using record::LeafKind;

/// Greatest first; equal ones in the order of their records.
bool ranks_before(const Group &a, const Group &b) {
    if (a.wait_ns != b.wait_ns) {
        return a.wait_ns > b.wait_ns;
    }
    if (a.abandoned_ns != b.abandoned_ns) {
        return a.abandoned_ns > b.abandoned_ns;
    }
    if (a.region_ns != b.region_ns) {
        return a.region_ns > b.region_ns;
    }
    return a.attempts != b.attempts ? a.attempts > b.attempts : a.first < b.first;
}

} // namespace

bool ArenaIndex::is_site(const Group &group) const {
    const std::span<const Item> members = items(group);
    return std::any_of(members.begin(), members.end(), [&](const Item &item) {
        record::Leaf leaf;
        if (item.kind == ItemKind::region) {
            return true;
        }
        if (item.kind == ItemKind::episode) {
            record::Episode episode;
            return read_episode(item, &episode) && is_abandoned(item, episode);
        }
        return arena_.copy(item.record, &leaf) &&
               (leaf.kind == LeafKind::acquire_shared || leaf.kind == LeafKind::acquire_exclusive);
    });
}

Group ArenaIndex::make_group(std::uint32_t first, std::uint32_t end, bool by_stack) const {
    Group group;
    group.first = first;
    group.lock = items_[first].lock;
    group.stack = by_stack ? items_[first].stack : 0;
    group.end = first;
    while (group.end < end && items_[group.end].lock == group.lock &&
           (!by_stack || items_[group.end].stack == group.stack)) {
        ++group.end;
    }
    rank(group);
    return group;
}

void ArenaIndex::group_items(Memory &memory) {
    const auto count = static_cast<std::uint32_t>(items_.size());
    locks_ = memory.take<Group>(count);
    sites_ = memory.take<Group>(count);
    std::size_t lock_count = 0;
    std::size_t site_count = 0;
    std::uint32_t at = 0;
    while (at < count && items_[at].lock == 0) {
        ++at; // calls whose file was not known belong to no lock
    }
    while (at < count && lock_count < locks_.size()) {
        locks_[lock_count] = make_group(at, count, false);
        at = locks_[lock_count++].end;
    }
    locks_ = locks_.first(lock_count);
    std::sort(locks_.begin(), locks_.end(), ranks_before);
    for (std::uint32_t place = 0; place < lock_count; ++place) {
        for (at = locks_[place].first; at < locks_[place].end && site_count < sites_.size();) {
            Group site = make_group(at, locks_[place].end, true);
            at = site.end;
            site.lock_place = place;
            if (is_site(site)) {
                sites_[site_count++] = site;
            }
        }
    }
    sites_ = sites_.first(site_count);
    std::sort(sites_.begin(), sites_.end(), ranks_before);
}

void ArenaIndex::rank(Group &group) const {
    for (const Item &item : items(group)) {
        record::Leaf leaf;
        record::LeafExtra extra;
        record::Region region;
        record::Episode episode;
        if (item.kind == ItemKind::region) {
            if (read_region(item, &region) && end_of(item, region).is_sample()) {
                group.region_ns = saturating_add(group.region_ns, end_of(item, region).held_ns);
            }
        } else if (item.kind == ItemKind::episode) {
            if (read_episode(item, &episode) && is_abandoned(item, episode)) {
                group.abandoned_ns = saturating_add(group.abandoned_ns, tried_ns(episode));
            }
        } else if (read_leaf(item.record, &leaf, &extra) && leaf.kind <= LeafKind::acquire_exclusive) {
            group.wait_ns = saturating_add(group.wait_ns, scale_.duration_ns(extra.wait.sum_ticks));
            group.abandoned_ns =
                saturating_add(group.abandoned_ns, scale_.duration_ns(extra.abandoned_ticks));
            group.region_ns = saturating_add(group.region_ns, scale_.duration_ns(leaf.second.sum_ticks));
            group.attempts +=
                leaf.first.count + extra.refused + extra.interrupted + extra.deadlocked + extra.failed;
        }
    }
}

} // namespace flockstat::summary
