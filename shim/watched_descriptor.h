/// Calls that close, duplicate or map descriptors, as far as locks depend on them.
#pragma once

#include "shim/unwind.h"

#include <cstdint>

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

protected:
    explicit WatchedClose(const CallSite &site) : site_(site) {}
    void close(int descriptor);
    void recheck();

private:
    [[nodiscard]] std::uint64_t begin();

    CallSite site_;
    std::uint64_t start_ticks_ = 0;
    std::uint32_t lock_ = 0;
    std::uint8_t family_ = 0;
    bool matters_ = false;
};

/// A close of all descriptors from `first` to `last`. done() comes after it here, too.
class WatchedCloses : public WatchedClose {
public:
    /// `flags`: of close_range. Nothing is watched where it fails or closes nothing.
    WatchedCloses(unsigned first, unsigned last, int flags, const CallSite &site);
    void done();

private:
    bool closes_ = false;
};

/// close(2).
int watched_close(int descriptor, const CallSite &site);

/// dup2 and its kind, around the call: what `wanted` was before is closed by it. Errno untouched.
class WatchedDuplicate {
public:
    /// `wanted` is -1 where the kernel chooses a free number.
    WatchedDuplicate(int descriptor, int wanted, const CallSite &site);
    void done(int copy) const;

private:
    CallSite site_;
    std::uint64_t start_ticks_ = 0;
    int descriptor_, wanted_;
    WatchedClose shared_; ///< `wanted`, where other processes may have it too
};

/// A call like fcntl(F_DUPFD) made `copy` a duplicate of `descriptor`. Errno untouched.
void note_duplicate(int descriptor, int copy, const CallSite &site);

} // namespace flockstat::shim
