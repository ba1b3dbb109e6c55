/// A region while it lasts, in private memory: what the accounting needs when it ends.
#pragma once

#include "reporter/record/arena.h"
#include "shim/lock_call.h"
#include "shim/octave_memo.h"

namespace flockstat::shim {

struct CachedStack;
struct KnownLeaf;

/// A region this long is told to others even where nobody seems to wait for it: a millisecond where ticks are
/// half a nanosecond, and not more than two.
inline constexpr std::uint64_t long_region_ticks = 2'000'000;

/// Owned by the open file description or the file whose lock guards it; pooled by threads (region_pool of
/// ThreadState), and never unmapped, so that a stale pointer in a racing thread reads old facts but no
/// foreign memory.
struct HeldRegion {
    HeldRegion *next = nullptr; ///< in a pool, or in a list of regions that ended together
    record::Region *live =
        nullptr; ///< its slot in the arena; stays with it in the pool; null where there was no room
    record::Leaf *leaf =
        nullptr; ///< of the acquisition, valid for the thread `leaf_owner` in its `leaf_epoch`
    const void *leaf_owner = nullptr;
    std::uint64_t since_ticks = 0;
    /// When the lock was wanted last, in its record; set where `leaf` is.
    const std::uint64_t *waited_ticks = nullptr;
    std::uint64_t owner = 0; ///< as its slot says
    int descriptor = -1;     ///< as its slot says
    unsigned leaf_epoch = 0;
    OctaveMemo memo; ///< of leaf->second

    // What it began with the last time that the short way (quick_count.h) counted its request in full, and
    // how its unlock is counted: mostly the next ones are the same.
    CachedStack *asked_from = nullptr; ///< the request's stack; both good in that cache_epoch of the thread
    KnownLeaf *asked = nullptr;        ///< the request's leaf
    unsigned cache_epoch = 0;
    record::Leaf *unlocked = nullptr; ///< the unlock's leaf, good as `leaf` is; null: not known
    OctaveMemo unlock_memo;           ///< of unlocked->first

    Range range;         ///< as its slot says
    unsigned pieces = 0; ///< extents that belong to it; it ends when there is none left
    record::Ref lock = 0;
    record::Ref stack = 0;
    Family family = Family::flock;
    Mode mode = Mode::shared;
    /// Its slot was not given out by this process: inherited by fork or exec, or handed over.
    bool guest = false;
    bool shared = false;             ///< other processes may have it
    std::uint32_t made_in = 0;       ///< as its OpenFile says
    std::uint64_t alone_ticks = 0;   ///< the same
    record::Region *spare = nullptr; ///< `guest`: the slot of its own, set aside meanwhile
    std::uint64_t line_hash = 0;     ///< doubtful_close.h: what the kernel calls the lock
    std::int32_t listed_with = 0;    ///< the same: which process its line depends on
    std::uint64_t left_ticks = 0;    ///< the same: when the close began
};

} // namespace flockstat::shim
