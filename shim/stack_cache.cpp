#include "shim/stack_cache.h"

#include "shim/python_chain.h"
#include "shim/unwind_memory.h"

#include <cstring>

namespace flockstat::shim {
namespace {

/// Calls `with(address, value)` for each word in the order unwind() read them. False if there were others,
/// that were not written down.
template<class With>
bool each_word(const UnwoundFrame *frames, unsigned depth, With with) {
    for (unsigned i = 0; i < depth; ++i) {
        if (frames[i].return_slot != 0)
            with(frames[i].return_slot, frames[i].instruction);
        for (const StackWord &word : frames[i].needed) {
            if (word.address != 0)
                with(word.address, word.value);
        }
        if (frames[i].untraceable)
            return false;
    }
    return true;
}

/// What a look at the frames says about caching them.
struct Survey {
    unsigned words = 0;
    bool needs_frame_pointer = false;
    bool doubtful = false;
};

/// Words of a proper stack lie one above the other, with frames of ordinary size between. Where they do not,
/// or a frame was a guess, a word may have been anything that happened to be readable, and may be gone the
/// next time.
bool survey(const CallSite &site, const UnwoundFrame *frames, unsigned depth, Survey *out) {
    constexpr std::uintptr_t ordinary_frame = 64 * 1024;
    std::uintptr_t highest = site.stack_pointer;
    for (unsigned i = 0; i < depth; ++i) {
        out->needs_frame_pointer |= frames[i].needs_frame_pointer;
        out->doubtful |= frames[i].doubtful;
    }
    return each_word(frames, depth, [&](std::uintptr_t address, std::uintptr_t) {
        ++out->words;
        const bool in_reach = address >= site.stack_pointer && address < highest + ordinary_frame;
        out->doubtful |= !in_reach || address % sizeof(std::uintptr_t) != 0;
        if (address > highest)
            highest = address;
    });
}

constexpr std::size_t entry_alignment = 64;

constexpr std::size_t aligned(std::size_t bytes) {
    return (bytes + entry_alignment - 1) & ~(entry_alignment - 1);
}

} // namespace

CachedStack *StackCache::no_buckets[bucket_count];

bool CachedStack::is_unchanged_if_readable() const {
    ReadablePages pages;
    for (const StackWord *word = words(), *end = word + groups_ * stack_words_in_group; word != end; ++word) {
        if (!pages.contains(word->address, sizeof(std::uintptr_t)) || load_word(word->address) != word->value)
            return false;
    }
    return true;
}

void StackCache::attach(void *memory, std::size_t bytes, const std::uint32_t *unloads) {
    buckets_ = bytes < minimum_bytes ? no_buckets : static_cast<CachedStack **>(memory);
    end_ = static_cast<std::byte *>(memory) + bytes;
    unloads_ = unloads;
    seen_unloads_ = __atomic_load_n(unloads, __ATOMIC_RELAXED);
    flush();
}

/// The rest of find(): behind the bucket's first entry, and whatever takes more than comparing words.
CachedStack *StackCache::find_behind(CachedStack **bucket, const CallSite &site) {
    CachedStack *first = *bucket;
    if (first == nullptr) {
        return nullptr;
    }
    if ((first->special_ & CachedStack::interpreted) != 0 && is_interpreted_at(*first, site)) {
        return find_variant(*first);
    }
    CachedStack *previous = first;
    for (CachedStack *entry = previous->next_; entry != nullptr; previous = entry, entry = entry->next_) {
        const bool interpreted = (entry->special_ & CachedStack::interpreted) != 0;
        if (interpreted ? is_interpreted_at(*entry, site)
                        : entry->is_called_from(site) && entry->is_unchanged()) {
            previous->next_ = entry->next_; // to the front: call paths repeat
            entry->next_ = *bucket;
            *bucket = entry;
            return interpreted ? find_variant(*entry) : entry;
        }
    }
    return nullptr;
}

bool StackCache::is_interpreted_at(const CachedStack &entry, const CallSite &site) {
    return entry.is_called_from(site) &&
           ((entry.special_ & CachedStack::doubtful) != 0 ? entry.is_unchanged_if_readable()
                                                          : entry.has_same_words());
}

CachedStack *StackCache::find_interpreted(const CallSite &site) {
    for (CachedStack *entry = buckets_[bucket_of(site)]; entry != nullptr; entry = entry->next_) {
        if ((entry->special_ & CachedStack::interpreted) != 0 && is_interpreted_at(*entry, site)) {
            return entry;
        }
    }
    return nullptr;
}

/// Variants have their own places among the entries: no call site has a null return address.
CallSite StackCache::variant_site(const CachedStack &interpreted, std::uint64_t chain) {
    return {.return_address = 0,
            .stack_pointer = chain,
            .frame_pointer = reinterpret_cast<std::uintptr_t>(&interpreted)};
}

/// Its words are unchanged, so the thread is inside the interpreter, and has the state that belongs to it.
CachedStack *StackCache::find_variant(const CachedStack &interpreted) {
    const PythonChain chain = python_chain_here();
    if (chain.depth == 0) {
        return nullptr;
    }
    const CallSite site = variant_site(interpreted, chain.hash);
    CachedStack *entry = buckets_[bucket_of(site)];
    while (entry != nullptr &&
           (entry->site_.return_address != 0 || entry->site_.stack_pointer != site.stack_pointer ||
            entry->site_.frame_pointer != site.frame_pointer)) {
        entry = entry->next_;
    }
    return entry;
}

std::span<const NativeFrame> StackCache::native_frames(const CachedStack &interpreted) {
    const StackWord *const end =
        interpreted.words() + std::size_t{interpreted.groups_} * stack_words_in_group;
    return {reinterpret_cast<const NativeFrame *>(end), interpreted.native_frames_};
}

/// Only where nothing need be forgotten for it: that might be the entry that it is a variant of.
CachedStack *StackCache::insert_variant(CachedStack &interpreted, std::uint64_t chain) {
    constexpr std::size_t bytes = aligned(sizeof(CachedStack));
    if (bytes > static_cast<std::size_t>(end_ - free_)) {
        flush();
        return nullptr;
    }
    CachedStack *const entry = take(bytes);
    *entry = {};
    entry->site_ = variant_site(interpreted, chain);
    link(entry);
    return entry;
}

/// Linked last: a frame that is abandoned before this leaves nothing behind.
void StackCache::link(CachedStack *entry) {
    CachedStack **const bucket = &buckets_[bucket_of(entry->site_)];
    entry->next_ = *bucket;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    *bucket = entry;
}

void StackCache::flush() {
    ++epoch_;
    if (buckets_ == no_buckets)
        return;
    std::memset(buckets_, 0, bucket_count * sizeof *buckets_);
    free_ = reinterpret_cast<std::byte *>(buckets_) + aligned(bucket_count * sizeof *buckets_);
}

void StackCache::flush_after_unload() {
    // Read before flushing: a dlclose that comes in between flushes once more.
    seen_unloads_ = __atomic_load_n(unloads_, __ATOMIC_ACQUIRE);
    flush();
}

CachedStack *StackCache::take(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(end_ - free_)) {
        flush();
        if (bytes > static_cast<std::size_t>(end_ - free_))
            return nullptr;
    }
    auto *const entry = reinterpret_cast<CachedStack *>(free_);
    free_ += bytes;
    return entry;
}

CachedStack *StackCache::insert_entry(const CallSite &site, const UnwoundFrame *frames, unsigned depth,
                                      const NativeFrame *native) {
    Survey found;
    if (buckets_ == no_buckets || !survey(site, frames, depth, &found))
        return nullptr;
    const std::uint32_t groups = (found.words + stack_words_in_group - 1) / stack_words_in_group;
    const std::size_t native_bytes = native != nullptr ? depth * sizeof *native : 0;
    CachedStack *const entry =
        take(aligned(sizeof(CachedStack) + groups * stack_words_in_group * sizeof(StackWord) + native_bytes));
    if (entry == nullptr)
        return nullptr;
    *entry = {};
    entry->site_ = site;
    entry->frame_pointer_mask_ = found.needs_frame_pointer ? ~std::uintptr_t{0} : 0;
    entry->groups_ = groups;
    entry->special_ = found.doubtful ? CachedStack::doubtful : 0;
    if (native != nullptr) {
        entry->special_ |= CachedStack::interpreted;
    }
    StackWord *word = entry->words();
    each_word(frames, depth, [&](std::uintptr_t address, std::uintptr_t value) {
        *word++ = {address, value};
    });
    for (StackWord *const end = entry->words() + groups * stack_words_in_group; word != end; ++word)
        *word = {reinterpret_cast<std::uintptr_t>(&word->value), 0};
    if (native != nullptr) {
        entry->native_frames_ = static_cast<std::uint16_t>(depth);
        std::memcpy(static_cast<void *>(word), native, native_bytes);
    }
    link(entry);
    return entry;
}

} // namespace flockstat::shim
