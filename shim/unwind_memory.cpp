#include "shim/unwind_memory.h"

#include "reporter/record/system_call.h"

#include <cerrno>

namespace flockstat::shim {
namespace {

thread_local UnwindScratch *current_scratch [[gnu::tls_model("initial-exec")]] = nullptr;

} // namespace

bool page_is_readable(std::uintptr_t address) {
    constexpr long no_such_how = -1;
    constexpr long signal_set_bytes = 8;
    // The set is copied from the page's start: it must not cross into the next page.
    const long page = static_cast<long>(address & ~std::uintptr_t{0xfff});
    return record::system_call(SYS_rt_sigprocmask, no_such_how, page, 0, signal_set_bytes) == -EINVAL;
}

bool range_is_readable(std::uintptr_t address, std::size_t bytes) {
    if (bytes == 0)
        return true;
    const std::uintptr_t last = address + bytes - 1;
    if (last < address)
        return false;
    for (std::uintptr_t page = address >> 12; page <= last >> 12; ++page) {
        if (!page_is_readable(page << 12))
            return false;
    }
    return true;
}

UnwindScratch::UnwindScratch() : outer_(current_scratch) { current_scratch = this; }

UnwindScratch::~UnwindScratch() { current_scratch = outer_; }

UnwindScratch *UnwindScratch::current() { return current_scratch; }

void *UnwindScratch::take() {
    for (unsigned i = 0; i < block_count; ++i) {
        if ((used_ & (1U << i)) == 0) {
            used_ |= 1U << i;
            return blocks_[i];
        }
    }
    return nullptr;
}

void UnwindScratch::give_back(const void *block) {
    for (unsigned i = 0; i < block_count; ++i) {
        if (block == blocks_[i])
            used_ &= ~(1U << i);
    }
}

} // namespace flockstat::shim
