/// What tells stacks apart that Python functions are on.
#pragma once

#include "reporter/read/run.h"

#include <vector>

namespace flockstat::reporter {

/// The frames of a stack, innermost first, without those of the interpreter that stand between a Python
/// function and what it calls: how an interpreter gets there changes as it learns how often it does (PEP
/// 659), so one line of a program would be several sites. Stays: native code that it calls (the innermost
/// frame, even where an extension is built into the interpreter), and what is outside the outermost function.
/// A stack without Python functions stays as it is.
[[nodiscard]] std::vector<Frame> program_frames(const Run &run, const Stack &stack);

} // namespace flockstat::reporter
