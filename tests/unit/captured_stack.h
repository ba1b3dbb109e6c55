/// The stack of a call, as the shim unwinds it and as glibc's backtrace() does.
#pragma once

#include "shim/unwind.h"

#include <algorithm>
#include <cstdint>
#include <dlfcn.h>
#include <filesystem>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace flockstat::test {

/// Taken from libc by hand: libunwind has a function of that name too, and is linked into the tests.
inline int glibc_backtrace(void **buffer, int size) {
    using Backtrace = int (*)(void **, int);
    static const auto function = [] {
        void *const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
        const auto found = libc == nullptr ? nullptr : reinterpret_cast<Backtrace>(dlsym(libc, "backtrace"));
        if (found == nullptr)
            throw std::runtime_error("no backtrace() in libc.so.6");
        void *frame = nullptr;
        found(&frame, 1); // loads libgcc_s
        return found;
    }();
    return function(buffer, size);
}

/// Allocations of the calling thread so far: unwind_manners_test.cpp counts them.
inline thread_local unsigned allocations = 0;

inline std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
}

/// What setting up did.
struct SetUp {
    bool ready;
    unsigned allocations;
    std::ptrdiff_t descriptors;
};

/// Sets unwinding up, once.
inline const SetUp &set_up_unwinding() {
    static const SetUp result = [] {
        const std::ptrdiff_t descriptors = open_descriptors();
        const unsigned before = allocations;
        const bool ready = shim::unwind_init();
        return SetUp{ready, allocations - before, open_descriptors() - descriptors};
    }();
    return result;
}

inline bool unwinding_is_ready() { return set_up_unwinding().ready; }

struct CapturedStack {
    static constexpr unsigned max_depth = 400;

    shim::CallSite site = {};
    shim::UnwindResult result = {};
    shim::UnwoundFrame frames[max_depth];
    std::vector<std::uintptr_t> truth; ///< return addresses, from the caller outwards; empty if not asked for

    [[nodiscard]] std::vector<std::uintptr_t> instructions() const {
        std::vector<std::uintptr_t> all;
        for (unsigned i = 0; i < result.depth; ++i)
            all.push_back(frames[i].instruction);
        return all;
    }
};

/// What a wrapper does: the stack of its caller.
[[gnu::noinline]] inline void capture(CapturedStack &out, unsigned capacity = CapturedStack::max_depth) {
    out.site = FLOCKSTAT_CALL_SITE();
    out.result = shim::unwind(out.site, out.frames, capacity);
    void *addresses[CapturedStack::max_depth + 4];
    const int count = glibc_backtrace(addresses, CapturedStack::max_depth + 4);
    // Without the frames below the caller.
    const auto *const caller =
        std::find(addresses, addresses + count, reinterpret_cast<void *>(out.site.return_address));
    out.truth.clear();
    for (const auto *address = caller; address != addresses + count; ++address) {
        out.truth.push_back(reinterpret_cast<std::uintptr_t>(*address));
    }
}

/// Calls `last` from `levels` frames further in.
[[gnu::noinline]] inline void descend(unsigned levels, const std::function<void()> &last) {
    if (levels == 0)
        last();
    else
        descend(levels - 1, last);
    asm volatile("" ::: "memory"); // no tail call
}

} // namespace flockstat::test
