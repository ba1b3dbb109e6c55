/// What a thread got and still has, newest last: what its next lock call is asked inside of.
#pragma once

#include "reporter/record/arena.h"
#include "shim/ordinary.h"

namespace flockstat::shim {

/// One thread's, in private memory. An entry is over when its slot in the arena says another time: another
/// thread or process ended it. Those are dropped when somebody looks.
struct HeldNow {
    struct Entry {
        record::Region *live = nullptr;
        std::uint64_t since_ticks = 0;
    };
    Entry innermost; ///< no `live`: nothing is held
    unsigned outer_count = 0;
    Entry outer[record::max_outer_locks - 1]; ///< oldest first
};

/// The slow part of note_released.
[[gnu::cold]] void forget_held(HeldNow &held, const record::Region *live);

/// The thread gave back what `live` showed; may be one that is not its own, or null.
[[gnu::always_inline]] inline void note_released(HeldNow &held, const record::Region *live) {
    if (!ordinary(held.innermost.live == live) || !ordinary(held.outer_count == 0)) {
        forget_held(held, live);
        return;
    }
    held.innermost.live = nullptr;
}

} // namespace flockstat::shim
