/// The end of a region: whose it is to count, and how. Called inside the bookkeeping only.
///
/// A region of an open file description may be shared with other processes. It has one keeper, whose process
/// its slot in the arena names; the others know it by copies (fork) or not at all. Whoever unlocks or
/// converts it ends it for all, by taking its start out of the slot; copies of others are stale then. A
/// keeper that closes its last descriptor looks for a co-holder and puts the region into its care; where
/// there is none the region ends.
#pragma once

#include "shim/recorder.h"

namespace flockstat::shim {

/// Is it still the region that its slot shows? Otherwise another process ended it.
[[nodiscard]] inline bool is_current(const HeldRegion &region) {
    return region.live == nullptr ||
           __atomic_load_n(&region.live->since_ticks, __ATOMIC_RELAXED) == region.since_ticks;
}

/// Ends it and counts it. False where another process did already; the region object goes back in any case.
[[nodiscard]] bool end_region(ThreadState &thread, HeldRegion *region, record::Release how,
                              std::uint64_t end_ticks);

/// The process's last descriptor of it is about to go (close, exit): ends it, or leaves it to a co-holder,
/// which counts it when it ends there, or where a close leaves it in doubt, puts it aside
/// (doubtful_close.h). `descriptor` is open still. False where it goes on.
[[nodiscard]] bool leave_region(ThreadState &thread, HeldRegion *region, int descriptor, record::Release how,
                                std::uint64_t end_ticks);

/// end_region or leave_region of a list linked by `next`. True where one ended.
[[nodiscard]] bool end_list(ThreadState &thread, HeldRegion *regions, record::Release how,
                            std::uint64_t end_ticks);
[[nodiscard]] bool leave_list(ThreadState &thread, HeldRegion *regions, int descriptor, record::Release how,
                              std::uint64_t end_ticks);

/// What becomes of a region when this process no longer has it.
enum class Leaving : std::uint8_t { ends, goes_on, unknown };

/// Decides that, and where a co-holder is found puts the region into its care. `max_listed`: as for
/// find_co_holder.
[[nodiscard]] Leaving find_successor(ThreadState &thread, const HeldRegion &region, int descriptor,
                                     unsigned max_listed);

/// Back to the pool, uncounted. `free`: its slot shows nothing any more.
void drop_region(ThreadState &thread, HeldRegion *region, bool free);

} // namespace flockstat::shim
