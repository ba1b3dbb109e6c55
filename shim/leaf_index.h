/// Finds a thread's accumulators by lock, stack and kind.
#pragma once

#include "reporter/record/arena.h"

namespace flockstat::shim {

/// Equal for the same lock, stack, kind and family only (references have 31 bits, see max_arena_mib). Lock 0
/// stands once a family.
inline std::uint64_t leaf_key(record::Ref lock, record::Ref stack, record::LeafKind kind,
                              record::Family family) {
    const std::uint64_t what = lock != 0 ? lock : static_cast<std::uint64_t>(family) | 0x7FFFFFF8U;
    return (what << 33U) | (std::uint64_t{stack} << 2U) | static_cast<std::uint64_t>(kind);
}

/// Open addressing in private pages, doubled as it fills. One thread's; not reentrant. Never shrinks; an
/// entry is never removed but by clear().
class LeafIndex {
public:
    /// The leaf of `key`, or nullptr.
    [[nodiscard]] record::Leaf *find(std::uint64_t key) const {
        if (entries_ == nullptr) {
            return nullptr;
        }
        for (std::size_t i = slot_of(key);; i = (i + 1) & (capacity_ - 1)) {
            if (entries_[i].key == key) {
                return entries_[i].leaf;
            }
            if (entries_[i].leaf == nullptr) {
                return nullptr;
            }
        }
    }

    /// Adds a leaf whose key is not in yet. False without memory: the leaf is made anew next time.
    [[nodiscard]] bool insert(std::uint64_t key, record::Leaf *leaf);

    /// Forgets all, keeps the memory.
    void clear();

private:
    struct Entry {
        std::uint64_t key;
        record::Leaf *leaf;
    };
    [[nodiscard]] std::size_t slot_of(std::uint64_t key) const {
        return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 32U) & (capacity_ - 1);
    }
    void place(std::uint64_t key, record::Leaf *leaf);
    [[nodiscard]] bool grow();

    Entry *entries_ = nullptr;
    std::size_t capacity_ = 0; ///< a power of two
    std::size_t count_ = 0;
};

} // namespace flockstat::shim
