#include "shim/extents.h"

#include "shim/private_memory.h"

#include <cstring>

namespace flockstat::shim {

/// What takes the place of the extents that a request touches. At most 2 n + 3 pieces for n touched extents:
/// each may be kept, with a gap of the new region before each and after the last, and the outermost two may
/// be split.
class Extents::Pieces {
public:
    explicit Pieces(unsigned touched) {
        const std::size_t wanted = 2 * std::size_t{touched} + 3;
        if (wanted > inline_pieces) {
            mapped_bytes_ = wanted * sizeof(Extent);
            at_ = static_cast<Extent *>(map_pages(mapped_bytes_));
        }
    }
    Pieces(const Pieces &) = delete;
    Pieces &operator=(const Pieces &) = delete;
    ~Pieces() {
        if (mapped_bytes_ != 0 && at_ != nullptr) {
            unmap_pages(at_, mapped_bytes_);
        }
    }

    [[nodiscard]] bool usable() const { return at_ != nullptr; }
    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] const Extent &operator[](unsigned index) const { return at_[index]; }

    /// Appends a piece, joined to the one before where both are of one region.
    void add(std::int64_t start, std::int64_t end, HeldRegion *region) {
        if (region == nullptr || start > end) {
            return;
        }
        if (count_ != 0 && at_[count_ - 1].region == region && at_[count_ - 1].range.end + 1 == start) {
            at_[count_ - 1].range.end = end;
            return;
        }
        at_[count_++] = {{start, end}, region};
    }

private:
    static constexpr std::size_t inline_pieces = 16;
    Extent inline_[inline_pieces];
    Extent *at_ = inline_;
    std::size_t mapped_bytes_ = 0;
    unsigned count_ = 0;
};

Extents::Change Extents::assign(Range range, HeldRegion *region) { return replace(range, region); }

Extents::Change Extents::remove(Range range) { return replace(range, nullptr); }

bool Extents::overlaps(Range range) const {
    for (unsigned i = 0; i < count_; ++i) {
        if (data()[i].range.end >= range.start && data()[i].range.start <= range.end) {
            return true;
        }
    }
    return false;
}

Range Extents::hull(const HeldRegion *region) const {
    Range hull{INT64_MAX, 0};
    for (unsigned i = 0; i < count_; ++i) {
        const Extent &extent = data()[i];
        if (extent.region == region) {
            hull.start = extent.range.start < hull.start ? extent.range.start : hull.start;
            hull.end = extent.range.end > hull.end ? extent.range.end : hull.end;
        }
    }
    return hull;
}

bool Extents::reserve(unsigned wanted) {
    if (wanted <= capacity_) {
        return true;
    }
    unsigned capacity = capacity_ < 128 ? 128 : capacity_;
    while (capacity < wanted) {
        capacity *= 2;
    }
    auto *grown = static_cast<Extent *>(map_pages(capacity * sizeof(Extent)));
    if (grown == nullptr) {
        return false;
    }
    std::memcpy(grown, data(), count_ * sizeof(Extent));
    if (grown_ != nullptr) {
        unmap_pages(grown_, capacity_ * sizeof(Extent));
    }
    grown_ = grown;
    capacity_ = capacity;
    return true;
}

Extents::Change Extents::replace(Range range, HeldRegion *region) {
    unsigned first = 0;
    while (first < count_ && data()[first].range.end < range.start) {
        ++first;
    }
    unsigned last = first;
    while (last < count_ && data()[last].range.start <= range.end) {
        ++last;
    }
    Pieces pieces(last - first);
    if (!pieces.usable()) {
        return {.failed = true};
    }
    // `next_byte` is the first byte of the request that no piece covers yet; past the request's end there is
    // none.
    std::int64_t next_byte = range.start;
    bool covered = false;
    for (unsigned i = first; i < last; ++i) {
        const Extent old = data()[i];
        const std::int64_t start = old.range.start > range.start ? old.range.start : range.start;
        const std::int64_t end = old.range.end < range.end ? old.range.end : range.end;
        pieces.add(old.range.start, start - 1, old.region);
        pieces.add(next_byte, start - 1, region);
        const bool stays = region != nullptr && old.region->mode == region->mode;
        pieces.add(start, end, stays ? old.region : region);
        if (end < old.range.end) {
            pieces.add(end + 1, old.range.end, old.region);
        }
        covered = end == range.end;
        next_byte = covered ? end : end + 1;
    }
    if (!covered) {
        pieces.add(next_byte, range.end, region);
    }

    if (!reserve(count_ - (last - first) + pieces.count())) {
        return {.failed = true};
    }
    Change change;
    for (unsigned i = first; i < last; ++i) {
        --data()[i].region->pieces;
    }
    for (unsigned i = 0; i < pieces.count(); ++i) {
        ++pieces[i].region->pieces;
    }
    change.took = region != nullptr && region->pieces != 0;
    constexpr unsigned listed = ~0U; // a region with several extents is lost once
    for (unsigned i = first; i < last; ++i) {
        HeldRegion *old = data()[i].region;
        if (old->pieces == 0) {
            old->pieces = listed;
            old->next = change.lost;
            change.lost = old;
        }
    }
    Extent *all = data();
    std::memmove(all + first + pieces.count(), all + last, (count_ - last) * sizeof(Extent));
    for (unsigned i = 0; i < pieces.count(); ++i) {
        all[first + i] = pieces[i];
    }
    count_ = count_ - (last - first) + pieces.count();
    return change;
}

} // namespace flockstat::shim
