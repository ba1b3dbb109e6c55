#include "shim/descriptor_pages.h"

#include "shim/origin.h"
#include "shim/private_memory.h"
#include "shim/run.h"

namespace flockstat::shim {

Descriptor *descriptor_pages[max_descriptor_pages];

bool any_close_missed = false;

namespace {

/// Behind the entries of a page: closed_epoch of each number.
constexpr std::size_t page_bytes = (sizeof(Descriptor) + sizeof(std::uint32_t)) * descriptors_in_page;

} // namespace

std::uint32_t &closed_epoch(int descriptor) {
    Descriptor *page = descriptor_pages[descriptor >> descriptor_page_shift];
    auto *epochs = reinterpret_cast<std::uint32_t *>(page + descriptors_in_page);
    return epochs[descriptor & (descriptors_in_page - 1)];
}

Descriptor *make_descriptor(int descriptor) {
    if (descriptor < 0 || (descriptor >> descriptor_page_shift) >= max_descriptor_pages) {
        count_lost(&record::Lost::calls);
        return nullptr;
    }
    Descriptor *&page = descriptor_pages[descriptor >> descriptor_page_shift];
    if (page == nullptr) {
        auto *fresh = static_cast<Descriptor *>(map_pages(page_bytes));
        __atomic_store_n(&page, fresh, __ATOMIC_RELEASE);
    }
    return page == nullptr ? nullptr : &page[descriptor & (descriptors_in_page - 1)];
}

int find_user(const OpenFile &open_file) {
    int user = -1;
    for_descriptors([&](int descriptor, const Descriptor &entry) {
        user = entry.open_file == &open_file ? descriptor : -1;
        return user < 0;
    });
    return user;
}

void miss_close(int descriptor) {
    if (Descriptor *entry = find_descriptor(descriptor); entry != nullptr) {
        __atomic_store_n(&entry->verified_ticks, close_was_missed, __ATOMIC_RELAXED);
        __atomic_store_n(&any_close_missed, true, __ATOMIC_RELAXED);
    }
}

void forget_origin(int descriptor) {
    doubt_origin(descriptor);
    if (find_descriptor(descriptor) != nullptr) {
        closed_epoch(descriptor) = 0;
    }
}

void distrust_descriptors() {
    for_descriptors([](int, Descriptor &entry) {
        if (entry.verified_ticks != close_was_missed) {
            entry.verified_ticks = 0;
        }
        return true;
    });
}

} // namespace flockstat::shim
