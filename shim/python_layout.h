/// Where CPython keeps what a stack is made of: offsets in its structures, by version.
///
/// From 3.13 on an interpreter publishes them at the start of _PyRuntime
/// (Include/internal/pycore_debug_offsets.h, in 3.13 pycore_runtime.h). For 3.11 and 3.12 they are tables
/// here, the same for all releases of a minor version, and whoever uses them checks what is found there
/// before it is believed (python_thread.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace flockstat::shim {

/// Offsets in bytes.
struct PythonLayout {
    std::uint32_t version; ///< PY_VERSION_HEX

    std::uint32_t runtime_finalizing; ///< in _PyRuntime: the thread state that ends the interpreter, or null
    std::uint32_t thread_interpreter; ///< in PyThreadState
    std::uint32_t thread_ident;       ///< in PyThreadState: pthread_self() of its thread
    std::uint32_t thread_current_frame; ///< in PyThreadState: the innermost frame; up to 3.12, the _PyCFrame
                                        ///< that says it
    bool has_c_frames;                  ///< up to 3.12
    std::uint32_t c_frame_current;      ///< in _PyCFrame, which lies in the stack frame of an evaluation
    std::uint32_t c_frame_previous;

    std::uint32_t frame_code; ///< in _PyInterpreterFrame; from 3.14 on with a tag in its low bits
    std::uint32_t frame_previous;
    std::uint32_t frame_instruction;
    /// 3.11: true for the outermost frame of an evaluation. Later: who owns the frame; from first_entry_owner
    /// on it is no function's, but lies in the stack frame of an evaluation, whose outermost it is.
    std::uint32_t frame_kind;

    std::uint32_t code_file, code_qualified_name, code_first_line, code_line_table, code_instructions;
    /// From 3.12 on: a number that no other code object has had; 0 in one that has none. Before: 0.
    std::uint32_t code_version;
    /// What a walk looks at is where 3.12 has it, but for frame_kind.
    bool has_usual_frames;

    std::uint32_t ascii_text;   ///< in a compact str of ASCII characters
    std::uint32_t compact_text; ///< in any other compact str

    static constexpr std::uint8_t first_entry_owner = 3;
    static constexpr std::uintptr_t code_tag_bits = 3; ///< objects are aligned to 8

    [[nodiscard]] constexpr unsigned minor() const { return version >> 16U & 0xFFU; }
    /// 3.11 marks an evaluation's outermost frame; later ones add one.
    [[nodiscard]] constexpr bool marks_entry() const { return minor() == 11; }
};

/// Of all releases of 3.11. Known when this is compiled, so that walking its frames is short.
inline constexpr PythonLayout python_layout_3_11 = {.version = 0x030B0000,
                                                    .runtime_finalizing = 24,
                                                    .thread_interpreter = 16,
                                                    .thread_ident = 152,
                                                    .thread_current_frame = 56,
                                                    .has_c_frames = true,
                                                    .c_frame_current = 8,
                                                    .c_frame_previous = 16,
                                                    .frame_code = 32,
                                                    .frame_previous = 48,
                                                    .frame_instruction = 56,
                                                    .frame_kind = 68,
                                                    .code_file = 112,
                                                    .code_qualified_name = 128,
                                                    .code_first_line = 72,
                                                    .code_line_table = 136,
                                                    .code_instructions = 184,
                                                    .code_version = 0,
                                                    .has_usual_frames = false,
                                                    .ascii_text = 48,
                                                    .compact_text = 72};

/// Of all releases of 3.12.
inline constexpr PythonLayout python_layout_3_12 = {.version = 0x030C0000,
                                                    .runtime_finalizing = 24,
                                                    .thread_interpreter = 16,
                                                    .thread_ident = 136,
                                                    .thread_current_frame = 56,
                                                    .has_c_frames = true,
                                                    .c_frame_current = 0,
                                                    .c_frame_previous = 8,
                                                    .frame_code = 0,
                                                    .frame_previous = 8,
                                                    .frame_instruction = 56,
                                                    .frame_kind = 70,
                                                    .code_file = 112,
                                                    .code_qualified_name = 128,
                                                    .code_first_line = 68,
                                                    .code_line_table = 136,
                                                    .code_instructions = 192,
                                                    .code_version = 92,
                                                    .has_usual_frames = true,
                                                    .ascii_text = 40,
                                                    .compact_text = 56};

/// Words at the start of _PyRuntime that published_python_layout looks at.
inline constexpr std::size_t published_python_words = 49;

/// Major and minor version of which the layout is known.
[[nodiscard]] bool python_version_is_known(std::uint32_t version);

/// The layout of 3.11 or 3.12; false for any other version.
[[nodiscard]] bool tabled_python_layout(std::uint32_t version, PythonLayout *out);

/// The layout that an interpreter of 3.13 or 3.14 publishes; `runtime`: the first published_python_words
/// words of its _PyRuntime. False where they are not what such an interpreter has there, or it is one without
/// a global interpreter lock (its objects are others).
[[nodiscard]] bool published_python_layout(const std::uint64_t *runtime, std::uint32_t version,
                                           PythonLayout *out);

/// What every version has in common.
inline constexpr std::size_t python_object_type = 8;
inline constexpr std::size_t python_var_size = 16; ///< ob_size; of a str: its length
inline constexpr std::size_t python_hash = 24;     ///< of a str and of bytes; -1: not computed
inline constexpr std::size_t python_string_state = 32;
inline constexpr std::size_t python_bytes_text = 32;

} // namespace flockstat::shim
