/// Frames of the calling thread that may be left without returning: by siglongjmp out of a signal handler, or
/// by a context that is never resumed.
#pragma once

#include <cstdint>

namespace flockstat::shim {

/// A frame while it is on the stack. The word after `address` is its return address (both ABIs' frame record:
/// the caller's frame pointer, then the return address), which stays as it is until the frame returns.
struct FrameMark {
    std::uintptr_t address = 0; ///< 0: no frame
    std::uintptr_t return_address = 0;

    /// A signal handler finds the old mark's absence, or all of the new one: to be used where no frame is
    /// marked.
    [[gnu::always_inline]] void place(const FrameMark &frame) {
        return_address = frame.return_address;
        __atomic_signal_fence(__ATOMIC_ACQ_REL);
        address = frame.address;
        __atomic_signal_fence(__ATOMIC_ACQ_REL);
    }
    [[gnu::always_inline]] void remove() {
        __atomic_signal_fence(__ATOMIC_ACQ_REL);
        address = 0;
    }
    [[nodiscard, gnu::always_inline]] bool is_placed() const { return address != 0; }
};

/// The FrameMark of the function that contains it.
#define FLOCKSTAT_FRAME_MARK()                                                                  \
    (::flockstat::shim::FrameMark{reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)), \
                                  reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))})

/// Must the marked frame have been left? True where it lies below `here`, a frame of the caller's on the same
/// stack, or has been written over since. What was left further up the stack, and is intact, cannot be told
/// from a frame that a signal handler interrupted: false. Addresses say nothing about frames of another stack
/// (sigaltstack). Async-signal-safe.
[[nodiscard, gnu::cold]] bool was_left(const FrameMark &frame, std::uintptr_t here);

} // namespace flockstat::shim
