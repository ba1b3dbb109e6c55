/// The byte ranges that one owner holds on one file, and which region each byte belongs to.
///
/// Follows posix_lock_inode of the kernel's fs/locks.c: a request replaces what its bytes were before. On top
/// of it each byte knows the region that last changed its state, so neighbours of the same mode are kept
/// apart where their regions differ. No system calls but mmap and munmap, for more than a few ranges. One
/// thread at a time: the owner's lock guards it.
#pragma once

#include "shim/held_region.h"

namespace flockstat::shim {

struct Extent {
    Range range;
    HeldRegion *region;
};

class Extents {
public:
    /// What a change did.
    struct Change {
        bool took = false;          ///< the new region got at least one byte
        bool failed = false;        ///< there was no memory: nothing was changed
        HeldRegion *lost = nullptr; ///< regions that have no byte left, linked by `next`
    };

    /// Gives the bytes of `range` that are not held in region->mode to `region`; the others keep theirs.
    [[nodiscard]] Change assign(Range range, HeldRegion *region);

    /// Takes the bytes of `range` from whoever has them.
    [[nodiscard]] Change remove(Range range);

    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] const Extent &operator[](unsigned index) const { return data()[index]; }

    /// The region that has all the bytes that are held, where they are one range and lie in `range`; else
    /// nullptr.
    [[nodiscard]] HeldRegion *sole(const Range &range) const {
        const Extent &extent = *data();
        return count_ == 1 && extent.range.start >= range.start && extent.range.end <= range.end
                   ? extent.region
                   : nullptr;
    }

    /// assign() where nothing is held.
    void begin(const Range &range, HeldRegion *region) {
        *data() = {range, region};
        region->pieces = 1;
        count_ = 1;
    }

    /// remove() of all there is: one extent.
    void end() {
        data()->region->pieces = 0;
        count_ = 0;
    }

    /// Is any byte of `range` held?
    [[nodiscard]] bool overlaps(Range range) const;

    /// The first and the last byte that `region` still has; it must have one.
    [[nodiscard]] Range hull(const HeldRegion *region) const;

private:
    static constexpr unsigned inline_extents = 4;
    class Pieces;

    [[nodiscard]] Extent *data() { return grown_ != nullptr ? grown_ : inline_; }
    [[nodiscard]] const Extent *data() const { return grown_ != nullptr ? grown_ : inline_; }
    [[nodiscard]] bool reserve(unsigned wanted);
    [[nodiscard]] Change replace(Range range, HeldRegion *region);

    Extent inline_[inline_extents];
    Extent *grown_ = nullptr; ///< mmap, of capacity_ extents
    unsigned capacity_ = inline_extents;
    unsigned count_ = 0;
};

} // namespace flockstat::shim
