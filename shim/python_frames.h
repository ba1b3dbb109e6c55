/// The calling thread's Python frames, read for the first time: every pointer is checked.
#pragma once

#include "shim/python.h"

#include <string_view>

namespace flockstat::shim {

/// One Python function that is being run.
struct PythonFrame {
    std::uintptr_t code;        ///< its code object
    std::uintptr_t instruction; ///< the one that it is at
    /// Where in memory the evaluation that runs it has its own data: inside the stack frame of a C function,
    /// _PyEval_EvalFrameDefault. One evaluation may run several frames.
    std::uintptr_t evaluation;
};

/// The frames of `thread`, which is python_thread(), innermost first, into frames[0] to frames[capacity - 1].
/// Returns how many there are, `capacity` where there are more; 0 where they cannot be read.
/// Async-signal-safe.
[[nodiscard]] unsigned read_python_frames(const PythonLayout &layout, std::uintptr_t thread,
                                          PythonFrame *frames, unsigned capacity);

/// What a code object says of its function, as UTF-8; a byte of a file name that is none stands as it is.
struct PythonFunction {
    static constexpr std::size_t max_name_bytes = 512;
    static constexpr std::size_t max_file_bytes = 4096;
    char name[max_name_bytes];
    std::size_t name_bytes;
    char file[max_file_bytes];
    std::size_t file_bytes;
    std::uint32_t first_line;
    std::uint32_t line; ///< of the instruction; 0: it has none

    [[nodiscard]] std::string_view name_text() const { return {name, name_bytes}; }
    [[nodiscard]] std::string_view file_text() const { return {file, file_bytes}; }
};

/// Reads the qualified name, the file and the line of a frame; what is longer than there is room for is cut.
/// False where its code object is none. Async-signal-safe.
[[nodiscard]] bool read_python_code(const PythonLayout &layout, const PythonFrame &frame,
                                    PythonFunction *out);

} // namespace flockstat::shim
