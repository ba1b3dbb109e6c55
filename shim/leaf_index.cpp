#include "shim/leaf_index.h"

#include "shim/private_memory.h"

#include <cstring>

namespace flockstat::shim {

void LeafIndex::place(std::uint64_t key, record::Leaf *leaf) {
    std::size_t i = slot_of(key);
    while (entries_[i].leaf != nullptr) {
        i = (i + 1) & (capacity_ - 1);
    }
    entries_[i] = {key, leaf};
}

bool LeafIndex::grow() {
    const std::size_t wanted = capacity_ == 0 ? 256 : capacity_ * 2;
    auto *fresh = static_cast<Entry *>(map_pages(wanted * sizeof(Entry)));
    if (fresh == nullptr) {
        return false;
    }
    Entry *old = entries_;
    const std::size_t old_capacity = capacity_;
    entries_ = fresh;
    capacity_ = wanted;
    for (std::size_t i = 0; i < old_capacity; ++i) {
        if (old[i].leaf != nullptr) {
            place(old[i].key, old[i].leaf);
        }
    }
    if (old != nullptr) {
        unmap_pages(old, old_capacity * sizeof(Entry));
    }
    return true;
}

bool LeafIndex::insert(std::uint64_t key, record::Leaf *leaf) {
    if (count_ * 2 >= capacity_ && !grow()) {
        return false;
    }
    place(key, leaf);
    ++count_;
    return true;
}

void LeafIndex::clear() {
    if (count_ != 0) {
        std::memset(static_cast<void *>(entries_), 0, capacity_ * sizeof(Entry));
        count_ = 0;
    }
}

} // namespace flockstat::shim
