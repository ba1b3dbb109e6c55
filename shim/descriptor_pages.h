/// What is known of descriptor numbers: a table of pages, private memory. Async-signal-safe; errno untouched.
#pragma once

#include <cstdint>

namespace flockstat::shim {

struct OpenFile;

/// A descriptor number that was used in a lock call.
struct Descriptor {
    OpenFile *open_file = nullptr;
    std::uint64_t verified_ticks = 0;
};

inline constexpr int descriptor_page_shift = 10;
inline constexpr int descriptors_in_page = 1 << descriptor_page_shift;
inline constexpr int max_descriptor_pages =
    4096; ///< up to 4 million descriptors; a call on a higher one counts as lost

/// Made as they are needed, never given back.
extern Descriptor *descriptor_pages[max_descriptor_pages];

/// Its entry; nullptr where no descriptor near it was used yet. A few loads, any context.
[[nodiscard]] inline Descriptor *find_descriptor(int descriptor) {
    const auto page = static_cast<unsigned>(descriptor) >> descriptor_page_shift;
    if (page >= max_descriptor_pages || descriptor_pages[page] == nullptr) {
        return nullptr;
    }
    return &descriptor_pages[page][descriptor & (descriptors_in_page - 1)];
}

/// The open file of a descriptor as far as it is known, without asking the kernel; nullptr where it is not. A
/// few loads, any context.
[[nodiscard]] inline OpenFile *peek_descriptor(int descriptor) {
    const Descriptor *entry = find_descriptor(descriptor);
    return entry == nullptr ? nullptr : entry->open_file;
}

/// In place of Descriptor::verified_ticks: its close was missed (miss_close).
inline constexpr std::uint64_t close_was_missed = 1;

/// Was any close missed yet?
extern bool any_close_missed;

/// The entry of an open descriptor, made at its first use; nullptr without memory. A call on one beyond what
/// there is room for counts as lost.
[[nodiscard]] Descriptor *make_descriptor(int descriptor);

/// Of a number that has an entry: the fork_epoch() in which it was last closed, 0 where a child was being
/// made then. What is opened under it in the same epoch is this process's alone.
[[nodiscard]] std::uint32_t &closed_epoch(int descriptor);

/// Calls visit(descriptor, entry) for each number near which one was used, until it returns false.
template<typename Visit>
void for_descriptors(Visit visit) {
    for (int page = 0; page < max_descriptor_pages; ++page) {
        Descriptor *entries = descriptor_pages[page];
        for (int i = 0; entries != nullptr && i < descriptors_in_page; ++i) {
            if (!visit(page * descriptors_in_page + i, entries[i])) {
                return;
            }
        }
    }
}

/// A descriptor of an open file; -1 where there is none.
[[nodiscard]] int find_user(const OpenFile &open_file);

/// A close of a descriptor could not be noted: its next use begins anew, even where it is open on the same
/// file again, and what was held ended at a time that nobody knows. Stores, any context.
void miss_close(int descriptor);

/// A number became a descriptor of something unknown that may be shared (a duplicate of an unknown
/// descriptor).
void forget_origin(int descriptor);

/// In a child of fork: has all known descriptors looked up anew at their next use. The kernel copies the
/// descriptors before the memory, and the parent's other threads go on meanwhile (copy_process in
/// kernel/fork.c).
void distrust_descriptors();

} // namespace flockstat::shim
