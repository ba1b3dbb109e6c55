/// Stacks that a thread has been called from before, recognised in tens of nanoseconds.
///
/// An unwinding is a function of the call site's registers and of the words of memory that it reads on its
/// way, each of which is where the words before it say. So an entry keeps those words, in the order they were
/// read: if the first is unchanged, unwinding again would go on to the second, and if all are, it would end
/// in the same stack. What was not read does not count, so a frame pointer that the program uses for
/// something else costs no miss, and what was read does: return addresses alone are not enough, because where
/// a frame's size varies (alloca) a stale one can match.
///
/// Where an interpreter is on the stack, what it runs is not in these words. Such a stack has an entry that
/// keeps its native frames, and variants of it, one for each chain of the interpreter's own frames.
#pragma once

#include "reporter/record/arena.h"
#include "shim/octave_memo.h"
#include "shim/ordinary.h"
#include "shim/unwind.h"
#include "shim/unwind_memory.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace flockstat::shim {

/// A native frame of a stack that an interpreter is on.
struct NativeFrame {
    record::Frame frame;
    std::uintptr_t
        stack_start; ///< the lowest address of its stack frame; it ends where the next one's starts
};

/// The recorder's accumulators for a stack and what `key` says.
struct KnownLeaf {
    std::uint64_t key; ///< of the lock and the kind; 0: nothing is known
    record::Leaf *leaf;
    OctaveMemo memo; ///< of leaf->first
};

/// A stack in the cache, with what the recorder wants to find again with it. Good until the next insert or
/// flush.
struct CachedStack {
    std::uint32_t stack; ///< the recorder's own reference to it; 0 after insert
    KnownLeaf leaves[4]; ///< all 0 after insert

    /// What a known leaf is found by, and where it is kept. 0 for nothing but no lock's.
    static std::uint64_t key_of(record::Ref lock, unsigned kind) {
        return (std::uint64_t{lock} << 2U) | kind;
    }
    static unsigned slot_of(std::uint64_t key) {
        // Lock records are 128 bytes apart, so the lowest bits of their references say nothing.
        return static_cast<unsigned>((key >> 7U) ^ key) & 3U;
    }

private:
    friend class StackCache;

    [[nodiscard]] const StackWord *words() const { return reinterpret_cast<const StackWord *>(this + 1); }
    [[nodiscard]] StackWord *words() { return reinterpret_cast<StackWord *>(this + 1); }
    [[nodiscard, gnu::always_inline]] bool is_called_from(const CallSite &site) const {
        return site_.return_address == site.return_address && site_.stack_pointer == site.stack_pointer &&
               ((site_.frame_pointer ^ site.frame_pointer) & frame_pointer_mask_) == 0;
    }
    [[nodiscard]] bool is_unchanged() const;
    [[nodiscard]] bool is_unchanged_if_readable() const;
    [[nodiscard]] bool has_same_words() const;

    /// What is out of the ordinary with an entry; one look tells that nothing is.
    enum Special : std::uint8_t {
        doubtful = 1U << 0,    ///< words may be gone
        interpreted = 1U << 1, ///< only its variants are whole stacks
    };

    CachedStack *next_;
    CallSite
        site_; // of a variant: no return address, the hash of its chain, the entry that it is a variant of
    std::uintptr_t frame_pointer_mask_; // 0: unwinding never asked for the frame pointer, all ones: it did
    std::uint32_t groups_;              // words follow the entry, in groups of `group`
    std::uint16_t native_frames_;       // interpreted: follow the words
    std::uint8_t special_;
};

/// One thread's cache. Not for a signal handler that interrupts it: the caller guards it, as it guards the
/// thread's other bookkeeping. A frame that is abandoned in here (siglongjmp) leaves it usable.
class StackCache {
public:
    /// Room for some 30 stacks of depth 10; 64 KiB hold 200.
    static constexpr std::size_t minimum_bytes = 16 * 1024;

    /// `memory`: zeroed, private to the process, aligned to 64, at least minimum_bytes; the caller's, who
    /// keeps it for as long as the cache is used. `unloads` counts the process's dlclose calls: when it
    /// changes, everything is forgotten, because another module may be where the old one was.
    void attach(void *memory, std::size_t bytes, const std::uint32_t *unloads = &never_unloads);

    /// The entry of the stack that `site` is called from, or nullptr.
    ///
    /// Compares the entry's words from the innermost outwards, and must stop at the first that differs: a
    /// word is known to be where it was, and mapped, only because all inner ones are unchanged.
    [[nodiscard]] CachedStack *find(const CallSite &site);

    /// Is this entry, of this cache and of the present epoch, the stack that `site` is called from? As find()
    /// would say, but for stacks that an interpreter is on: false.
    [[nodiscard, gnu::always_inline]] bool is_still(const CachedStack &entry, const CallSite &site) const {
        return seen_unloads_ == __atomic_load_n(unloads_, __ATOMIC_RELAXED) && entry.is_called_from(site) &&
               entry.is_unchanged();
    }

    /// Changes whenever entries are forgotten; never 0.
    [[nodiscard]] unsigned epoch() const { return epoch_; }

    /// Adds what unwind() gave, in full. When there is no room, all older stacks are forgotten first. nullptr
    /// if this stack cannot be recognised again (a signal handler is on it) or is too large, or without
    /// memory.
    CachedStack *insert(const CallSite &site, const UnwoundFrame *frames, unsigned depth) {
        return insert_entry(site, frames, depth, nullptr);
    }

    /// The same for a stack that an interpreter is on; `native`: its frames, as many. What it returns is no
    /// whole stack, but what insert_variant and native_frames take.
    CachedStack *insert_interpreted(const CallSite &site, const UnwoundFrame *frames, unsigned depth,
                                    const NativeFrame *native) {
        return insert_entry(site, frames, depth, native);
    }

    /// After find() found nothing: the entry of insert_interpreted for these native frames, or nullptr.
    [[nodiscard]] CachedStack *find_interpreted(const CallSite &site);

    /// The native frames of such an entry. Good as long as it.
    [[nodiscard]] static std::span<const NativeFrame> native_frames(const CachedStack &interpreted);

    /// Adds the stack of those native frames and the interpreter's frames that `chain` stands for. nullptr,
    /// and everything is forgotten, when there is no room.
    CachedStack *insert_variant(CachedStack &interpreted, std::uint64_t chain);

    /// Forgets everything.
    void flush();

private:
    static constexpr std::size_t bucket_count = 256;

    static std::size_t bucket_of(const CallSite &site) {
        // Stack pointers differ in few middle bits, return addresses in low ones: multiply, and take the top.
        constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
        static_assert(bucket_count == 256);
        return (((site.stack_pointer >> 3) ^ (site.return_address << 20)) + site.return_address) * golden >>
               56;
    }
    void flush_after_unload();
    [[gnu::noinline]] CachedStack *find_behind(CachedStack **bucket, const CallSite &site);
    [[nodiscard]] CachedStack *find_variant(const CachedStack &interpreted);
    [[nodiscard]] static bool is_interpreted_at(const CachedStack &entry, const CallSite &site);
    [[nodiscard]] static CallSite variant_site(const CachedStack &interpreted, std::uint64_t chain);
    void link(CachedStack *entry);
    CachedStack *insert_entry(const CallSite &site, const UnwoundFrame *frames, unsigned depth,
                              const NativeFrame *native);
    CachedStack *take(std::size_t bytes);

    static constexpr std::uint32_t never_unloads = 0;
    static CachedStack *no_buckets[bucket_count]; // of a cache without memory: always empty

    CachedStack **buckets_ = no_buckets; // the start of the memory
    const std::uint32_t *unloads_ = &never_unloads;
    std::uint32_t seen_unloads_ = 0;
    unsigned epoch_ = 1;
    std::byte *free_ = nullptr;
    std::byte *end_ = nullptr;
};

/// Words are compared in groups; the last is filled up with words that equal themselves.
inline constexpr unsigned stack_words_in_group = 4;

[[gnu::always_inline]] inline bool CachedStack::is_unchanged() const {
    if (!ordinary(special_ == 0))
        return special_ == doubtful && is_unchanged_if_readable();
    return has_same_words();
}

[[gnu::always_inline]] inline bool CachedStack::has_same_words() const {
    const auto same = [](const StackWord &word) { return load_word(word.address) == word.value; };
    const StackWord *word = words();
    for (const StackWord *const end = word + groups_ * stack_words_in_group; word != end;
         word += stack_words_in_group) {
        if (!ordinary(same(word[0])) || !ordinary(same(word[1])) || !ordinary(same(word[2])) ||
            !ordinary(same(word[3])))
            return false;
    }
    return true;
}

[[gnu::always_inline]] inline CachedStack *StackCache::find(const CallSite &site) {
    if (__atomic_load_n(unloads_, __ATOMIC_RELAXED) != seen_unloads_) [[unlikely]] {
        flush_after_unload();
        return nullptr;
    }
    CachedStack **const bucket = &buckets_[bucket_of(site)];
    CachedStack *const first = *bucket;
    if (first != nullptr && first->is_called_from(site) && first->is_unchanged()) [[likely]] {
        return first;
    }
    return find_behind(bucket, site);
}

} // namespace flockstat::shim
