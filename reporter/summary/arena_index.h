/// What is in an arena, in the order in which a summary needs it. Allocates nothing but from Memory.
#pragma once

#include "reporter/record/arena_view.h"
#include "reporter/summary/memory.h"
#include "reporter/summary/sample_sum.h"

#include <span>

namespace flockstat::summary {

using record::Ref;

/// What one lock's numbers are summed up from.
enum class ItemKind : std::uint8_t { leaf, region, episode };

/// A leaf, an open region or an open episode.
struct Item {
    Ref lock;
    Ref stack;
    Ref record;  ///< leaf; region group; thread block
    Ref process; ///< of a region or episode
    ItemKind kind;
    std::uint8_t slot; ///< in the group or block
};

/// Items of one lock, or of one stack at one lock: a part of ArenaIndex::items().
struct Group {
    Ref lock = 0;
    Ref stack = 0;
    std::uint32_t first = 0, end = 0;
    std::uint32_t lock_place = 0; ///< of a site: its lock's place in locks()
    std::uint64_t wait_ns = 0, abandoned_ns = 0, region_ns = 0,
                  attempts = 0; ///< what ranks it, in this order
};

enum class Ending : std::uint8_t { running, exited, execed, killed, unknown };

/// A process, with what became of it.
struct ProcessEntry {
    Ref ref = 0;
    record::Process record{};
    Ending ending = Ending::unknown;
    bool replaced = false;               ///< execed, and the new image has an entry of its own
    Ending last_image = Ending::unknown; ///< ending of the last image that it became by exec
    Ref last_ref = 0;                    ///< record of that image
    std::int64_t attached_at_ns = 0, ended_at_ns = 0, last_seen_at_ns = 0;
    std::uint64_t attempts = 0, unlocks = 0;
    ShortSum enter, region, wait; ///< region: with those that its end closed
};

/// An open region of a process: how it ended, as far as that is known.
struct RegionEnd {
    record::Release cause;
    std::uint64_t held_ns;
    std::int64_t at_ns;

    /// Its end was seen: its time is a sample of filelock.region; otherwise it is counted in held_open_ns.
    [[nodiscard]] bool is_sample() const {
        return cause == record::Release::exit || cause == record::Release::exec;
    }
};

class ArenaIndex {
public:
    /// Bytes of memory that the index of this arena takes, and how many records it has.
    [[nodiscard]] static std::size_t bytes_needed(const record::ArenaView &arena);

    /// Both outlive the index. `now_ticks`: when the arena is read.
    ArenaIndex(const record::ArenaView &arena, const TickScale &scale, std::uint64_t now_ticks,
               Memory &memory);

    /// Copies a leaf and what it has beside; false where they hold what no leaf can.
    [[nodiscard]] bool read_leaf(Ref ref, record::Leaf *leaf, record::LeafExtra *extra) const;
    /// Copies the slot of an item.
    [[nodiscard]] bool read_region(const Item &item, record::Region *region) const;
    [[nodiscard]] bool read_episode(const Item &item, record::Episode *episode) const;

    /// What became of an open region and of an open episode; the rules are those of the reader.
    [[nodiscard]] RegionEnd end_of(const Item &item, const record::Region &region) const;
    [[nodiscard]] bool is_abandoned(const Item &item, const record::Episode &episode) const;

    /// From the start of the first attempt to the end of the last one.
    [[nodiscard]] std::uint64_t tried_ns(const record::Episode &episode) const;

    /// Sorted by lock and stack; those without a lock come first.
    [[nodiscard]] std::span<const Item> items() const { return items_; }
    [[nodiscard]] std::span<const Item> items(const Group &group) const {
        return items_.subspan(group.first, group.end - group.first);
    }
    [[nodiscard]] std::span<const Group> locks() const { return locks_; }                ///< ranked
    [[nodiscard]] std::span<const Group> sites() const { return sites_; }                ///< ranked
    [[nodiscard]] std::span<const ProcessEntry> processes() const { return processes_; } ///< by reference

    [[nodiscard]] const record::ArenaView &arena() const { return arena_; }
    [[nodiscard]] const TickScale &scale() const { return scale_; }
    [[nodiscard]] std::int64_t read_at_ns() const { return read_at_ns_; }
    [[nodiscard]] std::uint64_t damaged() const { return damaged_; }

    /// The process of that record; nullptr where there is none.
    [[nodiscard]] const ProcessEntry *process(Ref ref) const;

private:
    void collect_processes();
    void collect_blocks();
    void collect_block(Ref ref, const record::ThreadBlock &block);
    void collect_regions(const record::ThreadBlock &block);
    void see_events();
    void see(Ref process, std::uint64_t ticks);
    void add_totals(ProcessEntry &process, const record::ProcessTotals &totals);
    void add_closed_regions();
    void judge_endings();
    void link_images();
    void group_items(Memory &memory);
    [[nodiscard]] Group make_group(std::uint32_t first, std::uint32_t end, bool by_stack) const;
    void rank(Group &group) const;
    [[nodiscard]] bool is_site(const Group &group) const;
    void add_item(const Item &item);
    [[nodiscard]] ProcessEntry *find(Ref ref);

    record::ArenaView arena_;
    const TickScale &scale_;
    std::int64_t read_at_ns_;
    std::span<Item> items_;
    std::size_t used_ = 0; ///< of items_ while it is filled
    std::span<Group> locks_, sites_;
    std::span<ProcessEntry> processes_;
    std::uint64_t damaged_ = 0;
    std::uint64_t steps_left_; ///< of all chains: damage that links them to each other ends here
};

} // namespace flockstat::summary
