/// Memory for unwinding: what may be read of the program's, and what libunwind may use of ours.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flockstat::shim {

/// True if the page that holds `address` can be read by this process now. Costs a system call: rt_sigprocmask
/// copies the set before it looks at `how` (kernel/signal.c), so that an impossible `how` gives EFAULT for an
/// unreadable address, EINVAL for a readable one, and has no effect. Async-signal-safe, leaves errno alone.
[[nodiscard]] bool page_is_readable(std::uintptr_t address);

/// True if each of `bytes` bytes from `address` can be read; false for ranges that wrap around.
/// Async-signal-safe.
[[nodiscard]] bool range_is_readable(std::uintptr_t address, std::size_t bytes);

/// The word at an address that is known to be readable, whatever the program keeps there: sanitizers look
/// away.
[[gnu::no_sanitize("address", "alignment")]] inline std::uintptr_t load_word(std::uintptr_t address) {
    using Word [[gnu::may_alias]] = const volatile std::uintptr_t;
    return *reinterpret_cast<Word *>(address);
}

/// The pages that were found readable so far. For one unwinding only: pages may go away later.
class ReadablePages {
public:
    /// As range_is_readable, for a range of at most one page, remembering the pages that it found readable.
    [[nodiscard]] bool contains(std::uintptr_t address, std::size_t bytes) {
        const std::uintptr_t first = address >> page_bits;
        const std::uintptr_t last = (address + bytes - 1) >> page_bits;
        return last >= first && holds(first) && (last == first || holds(last));
    }

private:
    // The smallest page of any machine we run on: finer than needed is right, coarser is not.
    static constexpr unsigned page_bits = 12;
    static constexpr std::size_t remembered = 16;

    bool holds(std::uintptr_t page) {
        std::uintptr_t &slot = pages_[page % remembered];
        if (slot == page + 1)
            return true;
        if (!page_is_readable(page << page_bits))
            return false;
        slot = page + 1; // 0 is "none"
        return true;
    }

    std::uintptr_t pages_[remembered] = {};
};

/// What libunwind's allocator gives out during one unwinding: a few blocks on the unwinding thread's stack.
/// libunwind's own pools take a mutex, which a forked child would find locked for ever, and two system calls.
class UnwindScratch {
public:
    /// Makes this the calling thread's scratch until it is destroyed. They nest: a signal handler may unwind
    /// while the thread it interrupted does.
    UnwindScratch();
    ~UnwindScratch();
    UnwindScratch(const UnwindScratch &) = delete;
    UnwindScratch &operator=(const UnwindScratch &) = delete;

    /// A block of block_bytes, or nullptr; not zeroed.
    [[nodiscard]] void *take();
    /// Gives back what take() gave.
    void give_back(const void *block);
    /// Gives back everything.
    void reset() { used_ = 0; }

    /// The innermost scratch of the calling thread; nullptr outside an unwinding.
    static UnwindScratch *current();

#if defined(__aarch64__)
    static constexpr std::size_t block_bytes = 1024; // a register state holds 97 registers there
#else
    static constexpr std::size_t block_bytes = 256;
#endif

private:
    // One for the frame's description, the others for DW_CFA_remember_state, which compilers do not nest.
    static constexpr unsigned block_count = 4;

    alignas(16) std::byte blocks_[block_count][block_bytes];
    std::uint32_t used_ = 0;
    UnwindScratch *outer_;
};

/// While it is set, calloc of libunwind is served from static memory: its address space is made once and
/// never freed. Set by unwind_init around the one call that needs it; returns false from then on if libunwind
/// asked for more than there is or for larger pool objects than UnwindScratch gives.
[[nodiscard]] bool libunwind_wraps_fit();
void serve_libunwind_from_static_memory(bool on);

} // namespace flockstat::shim
