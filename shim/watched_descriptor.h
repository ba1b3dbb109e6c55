/// Calls that close or duplicate descriptors, as far as locks depend on them.
#pragma once

#include "shim/unwind.h"

namespace flockstat::shim {

/// A close that is watched because it may release something.
class WatchedClose {
public:
    /// Right before the call. Nothing but a few loads where the descriptor matters to no lock; negative ones
    /// never do.
    WatchedClose(int descriptor, const CallSite &site);

    /// Right after it; errno untouched.
    void done() const;

    [[nodiscard]] bool matters() const { return matters_; }

private:
    CallSite site_;
    std::uint64_t start_ticks_ = 0;
    std::uint32_t lock_ = 0;
    std::uint8_t family_ = 0;
    bool matters_ = false;
};

/// close(2).
int watched_close(int descriptor, const CallSite &site);

/// All descriptors from `first` to `last` are about to be closed: forgets those that are known, and ends what
/// goes with them.
void note_closes(unsigned first, unsigned last, const CallSite &site);

/// `copy` is a duplicate of `descriptor` now. Errno untouched.
void note_duplicate(int descriptor, int copy);

} // namespace flockstat::shim
