/// Chains of records that any process may push to: lock-free, async-signal-safe.
#pragma once

#include "reporter/record/arena_file.h"

namespace flockstat::record {

/// The record under a reference that was read from the arena; nullptr where it is not inside the heap, or not
/// aligned as such a record is.
template<typename Record>
[[nodiscard]] Record *resolve(const Mapping &arena, Ref ref) {
    static_assert(sizeof(Header) + sizeof(Record) <= min_arena_mib << 20U);
    // One comparison for both ends: what is below the heap wraps around. No arena is smaller than the least
    // one.
    const std::uint64_t in_heap = std::uint64_t{ref} * ref_unit - sizeof(Header);
    if (in_heap > arena.bytes - sizeof(Header) - sizeof(Record)) {
        return nullptr;
    }
    if constexpr (alignof(Record) > ref_unit) {
        if (ref % (alignof(Record) / ref_unit) != 0) {
            return nullptr;
        }
    }
    return reinterpret_cast<Record *>(arena.base + sizeof(Header) + in_heap);
}

/// Longest walk along one chain: a cycle that somebody scribbled must not hang us.
inline constexpr unsigned max_chain_steps = 100'000;

/// Pushes `mine`, whose reference is `ref`, in front of a chain.
template<typename Record>
void push(Ref *head, Record *mine, Ref ref) {
    Ref first = __atomic_load_n(head, __ATOMIC_ACQUIRE);
    do {
        mine->next = first;
    } while (!__atomic_compare_exchange_n(head, &first, ref, true, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
}

/// The record of the chain that `equal` accepts, or a new one of `bytes` bytes that `fill` completes. A
/// record that another process pushes while we make ours is found before ours is pushed. 0 where there is no
/// room.
template<typename Record, typename Equal, typename Fill>
[[nodiscard]] Ref intern(const Mapping &arena, Ref *head, std::uint32_t hash, std::uint64_t bytes,
                         Equal equal, Fill fill) {
    Record *mine = nullptr;
    Ref mine_ref = 0;
    Ref seen = 0; // everything from here on was compared already
    Ref first = __atomic_load_n(head, __ATOMIC_ACQUIRE);
    while (true) {
        Ref at = first;
        for (unsigned step = 0; at != seen && at != 0 && step < max_chain_steps; ++step) {
            const Record *other = resolve<Record>(arena, at);
            if (other == nullptr) {
                break;
            }
            if (other->hash == hash && equal(*other)) {
                return at; // the room of ours, if there is one, stays unused
            }
            at = other->next;
        }
        if (mine == nullptr) {
            mine_ref = take_room(arena, bytes, alignof(Record) > ref_unit ? alignof(Record) : ref_unit);
            mine = resolve<Record>(arena, mine_ref);
            if (mine == nullptr) {
                return 0;
            }
            mine->hash = hash;
            fill(mine);
        }
        seen = first;
        mine->next = first;
        if (__atomic_compare_exchange_n(head, &first, mine_ref, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
            return mine_ref;
        }
    }
}

} // namespace flockstat::record
