#include "shim/stack_cache.h"

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

/// The rest of find(): behind the bucket's first entry.
CachedStack *StackCache::find_behind(CachedStack **bucket, const CallSite &site) {
    CachedStack *previous = *bucket;
    if (previous == nullptr) {
        return nullptr;
    }
    for (CachedStack *entry = previous->next_; entry != nullptr; previous = entry, entry = entry->next_) {
        if (entry->is_called_from(site) && entry->is_unchanged()) {
            previous->next_ = entry->next_; // to the front: call paths repeat
            entry->next_ = *bucket;
            *bucket = entry;
            return entry;
        }
    }
    return nullptr;
}

void StackCache::flush() {
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

CachedStack *StackCache::insert(const CallSite &site, const UnwoundFrame *frames, unsigned depth) {
    Survey found;
    if (buckets_ == no_buckets || !survey(site, frames, depth, &found))
        return nullptr;
    const std::uint32_t groups = (found.words + stack_words_in_group - 1) / stack_words_in_group;
    CachedStack *const entry =
        take(aligned(sizeof(CachedStack) + groups * stack_words_in_group * sizeof(StackWord)));
    if (entry == nullptr)
        return nullptr;
    *entry = {};
    entry->site_ = site;
    entry->frame_pointer_mask_ = found.needs_frame_pointer ? ~std::uintptr_t{0} : 0;
    entry->groups_ = groups;
    entry->doubtful_ = found.doubtful;
    StackWord *word = entry->words();
    each_word(frames, depth, [&](std::uintptr_t address, std::uintptr_t value) {
        *word++ = {address, value};
    });
    for (StackWord *const end = entry->words() + groups * stack_words_in_group; word != end; ++word)
        *word = {reinterpret_cast<std::uintptr_t>(&word->value), 0};
    // Linked last: a frame that is abandoned before this leaves nothing behind.
    CachedStack **const bucket = &buckets_[bucket_of(site)];
    entry->next_ = *bucket;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    *bucket = entry;
    return entry;
}

} // namespace flockstat::shim
