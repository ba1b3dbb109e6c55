/// The call stack of a wrapper's caller.
///
/// libunwind, reading this process through our own accessors as if it were a foreign one: memory that cannot
/// be read is an error instead of a fault, modules are found without a lock, and nothing is allocated or
/// opened.
#pragma once

#include <cstdint>

namespace flockstat::shim {

/// Where a wrapper was called from: the caller's registers as they are right after the call.
struct CallSite {
    std::uintptr_t return_address;
    std::uintptr_t stack_pointer; ///< with the return address popped (the wrapper's canonical frame address)
    std::uintptr_t frame_pointer; ///< rbp or x29, whatever the caller uses it for
};

/// The CallSite of the function that contains it; that function needs no other option for it. C++ only.
#define FLOCKSTAT_CALL_SITE()                                                                   \
    (::flockstat::shim::CallSite{reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)), \
                                 reinterpret_cast<std::uintptr_t>(__builtin_dwarf_cfa()),       \
                                 *reinterpret_cast<const std::uintptr_t *>(                     \
                                     __builtin_frame_address(0)) /* where both ABIs save the caller's */})

/// A word of memory, and what it held.
struct StackWord {
    std::uintptr_t address;
    std::uintptr_t value;
};

/// One frame, innermost first. `instruction` is what users want; the rest is what the frame's caller was
/// found with, and it is complete: who finds the same words again may skip the unwinding (StackCache).
struct UnwoundFrame {
    /// The return address into this frame. For a frame that a signal interrupted, and for libc's trampoline
    /// below it: the instruction to go on with, plus one, so that one byte back is right for every frame.
    std::uintptr_t instruction;
    /// Where `instruction` was read; 0 for the innermost frame, which has it from the CallSite.
    std::uintptr_t return_slot;
    /// Words that were read to leave this frame, in the order they were read, without the caller's
    /// return_slot: a saved frame pointer where a frame is addressed by it, hardly ever another. No words:
    /// address 0.
    static constexpr unsigned max_needed = 3;
    StackWord needed[max_needed];
    bool needs_frame_pointer; ///< leaving this frame took CallSite::frame_pointer
    bool untraceable; ///< leaving this frame took more than is written down here (a signal frame, say)
    bool doubtful;    ///< leaving this frame was a guess from the frame pointer, or failed
};

/// How an unwinding went.
struct UnwindResult {
    unsigned depth;      ///< frames filled, at least 1 where there is room for one
    bool truncated;      ///< the stack is deeper than there was room for
    bool through_signal; ///< a signal handler is on the stack
    bool broken; ///< it stopped before the outermost frame; what is there is right as far as can be known
};

/// Once, in the constructor (it uses dlsym): makes the address space and looks up what finds modules. False:
/// stacks are the return address alone (a libc older than 2.35).
bool unwind_init();

/// The stack of the calling thread from `site`, whose frame must be alive, into frames[0] to frames[capacity
/// - 1]. frames[0].instruction is site.return_address. A miss of the stack cache, tens of microseconds.
///
/// Async-signal-safe, in a signal handler too that interrupted another unwinding of its thread; in all
/// threads at once; in a forked child. Allocates nothing, takes no lock, opens nothing, keeps errno, never
/// faults, on a broken stack either. Takes some 5 KiB of stack; `frames` (72 bytes each) better is somewhere
/// else.
UnwindResult unwind(const CallSite &site, UnwoundFrame *frames, unsigned capacity);

} // namespace flockstat::shim
