/// The stack of a program that an interpreter runs: native frames, and its own in place of the interpreter's.
#pragma once

#include "shim/python_frames.h"
#include "shim/thread_state.h"

#include <span>

namespace flockstat::shim {

/// Has any of thread.unwound[0 .. depth) the interpreter's code?
[[nodiscard]] bool is_interpreted(const ThreadState &thread, unsigned depth);

/// Puts the calling thread's Python frames in the places of those of `native` that run them: what comes out
/// is in thread.frames. Returns how many there are; 0 where there is no Python stack, or one that does not
/// fit the native frames (stacks are switched behind the interpreter's back): then the native frames are what
/// is known. `*truncated` is set where there is no room for all. Inside the bookkeeping only.
[[nodiscard]] unsigned merge_python_frames(ThreadState &thread, std::span<const NativeFrame> native,
                                           bool *truncated);

} // namespace flockstat::shim
