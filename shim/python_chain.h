/// The calling thread's Python frames, as a number that tells stacks apart.
#pragma once

#include "shim/python.h"

namespace flockstat::shim {

/// A chain of frames. Two chains with the same hash show the same functions at the same instructions.
struct PythonChain {
    std::uint64_t hash;
    unsigned
        depth; ///< frames, those of entries included; 0: there is none, or it is too long to be told apart
};

inline constexpr unsigned max_python_chain = 256;

/// The innermost frame of a thread, 0 for none.
[[nodiscard, gnu::always_inline]] inline std::uintptr_t python_current_frame(const PythonLayout &layout,
                                                                             std::uintptr_t thread) {
    std::uintptr_t frame = load_word(thread + layout.thread_current_frame);
    if (layout.has_c_frames && frame != 0) {
        frame = load_word(frame + layout.c_frame_current);
    }
    return frame;
}

namespace python_hash_detail {

/// Words are summed up times odd numbers without pattern (fractional digits of pi): the multiplications do
/// not wait for each other.
inline constexpr std::uint64_t factors[] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1,
                                            0x082efa98ec4e6c89, 0x452821e638d01377, 0xbe5466cf34e90c6d};

inline std::uint32_t load_half(std::uintptr_t address) {
    using Half [[gnu::may_alias]] = const volatile std::uint32_t;
    return *reinterpret_cast<Half *>(address);
}

inline std::uint8_t load_byte(std::uintptr_t address) {
    return *reinterpret_cast<const volatile std::uint8_t *>(address);
}

/// A hash of the text of a compact str that has none of its own.
[[nodiscard, gnu::noinline]] std::uint64_t hash_text(const PythonLayout &layout, std::uintptr_t string);

/// A hash of what a line table begins and ends with, for one that has none of its own.
[[nodiscard, gnu::noinline]] std::uint64_t hash_table(std::uintptr_t table);

/// A hash of a str's content.
[[nodiscard, gnu::always_inline]] inline std::uint64_t text_hash(const PythonLayout &layout,
                                                                 std::uintptr_t string) {
    const std::uint64_t own = load_word(string + python_hash);
    return own != UINT64_MAX ? own : hash_text(layout, string);
}

[[nodiscard, gnu::always_inline]] inline std::uint64_t table_hash(std::uintptr_t table) {
    const std::uint64_t own = load_word(table + python_hash);
    return own != UINT64_MAX ? own : hash_table(table);
}

/// The file of the frame before: mostly the next one's, too.
struct LastFile {
    std::uintptr_t string = 0;
    std::uint64_t hash = 0;
};

/// What a function is called and where its lines are: the strings' own hashes, which every str that the
/// compiler made has, or their text.
[[nodiscard, gnu::always_inline]] inline std::uint64_t content_hash(const PythonLayout &layout,
                                                                    std::uintptr_t code, LastFile &file) {
    const std::uintptr_t table = load_word(code + layout.code_line_table);
    if (const std::uintptr_t path = load_word(code + layout.code_file); path != file.string) {
        file = {path, text_hash(layout, path) * factors[2]};
    }
    const std::uint64_t line = load_half(code + layout.code_first_line);
    return (table ^ line << 48U) * factors[1] + file.hash + table_hash(table) * factors[3] +
           text_hash(layout, load_word(code + layout.code_qualified_name)) * factors[4];
}

/// The same where it is rarely asked for.
[[nodiscard, gnu::noinline]] std::uint64_t hash_content(const PythonLayout &layout, std::uintptr_t code);

/// Tells a code object from all that are, or were or will be in its place.
[[nodiscard, gnu::always_inline]] inline std::uint64_t identity(const PythonLayout &layout,
                                                                std::uintptr_t code, LastFile &file) {
    if (layout.marks_entry()) {
        return content_hash(layout, code, file);
    }
    const std::uint32_t version = load_half(code + layout.code_version);
    return version != 0 ? version * factors[1] : hash_content(layout, code);
}

[[nodiscard, gnu::always_inline]] inline PythonChain walk(const PythonLayout &layout, std::uintptr_t thread) {
    PythonChain chain{0, 0};
    LastFile file;
    for (std::uintptr_t frame = python_current_frame(layout, thread); frame != 0;
         frame = load_word(frame + layout.frame_previous)) {
        if (chain.depth++ == max_python_chain) [[unlikely]] {
            return {0, 0};
        }
        const std::uint8_t kind = load_byte(frame + layout.frame_kind);
        const std::uintptr_t instruction = load_word(frame + layout.frame_instruction);
        std::uint64_t sum = (instruction ^ std::uint64_t{kind} << 56U) * factors[0];
        if (kind < PythonLayout::first_entry_owner) [[likely]] {
            const std::uintptr_t code = load_word(frame + layout.frame_code);
            sum += identity(layout, code & ~PythonLayout::code_tag_bits, file);
        }
        chain.hash = ((chain.hash << 7U | chain.hash >> 57U) + sum) * factors[5];
    }
    return chain;
}

} // namespace python_hash_detail

/// Walks the frames of `thread`, which is python_thread(), where the native frames are known to be as they
/// were (StackCache), so that the thread is inside the interpreter. Code objects are freed, and others made
/// in their place: so a hash takes in what tells them apart, not only where they are.
[[nodiscard, gnu::always_inline]] inline PythonChain python_chain(const PythonLayout &layout,
                                                                  std::uintptr_t thread) {
    return layout.marks_entry() ? python_hash_detail::walk(python_layout_3_11, thread)
                                : python_hash_detail::walk(layout, thread);
}

/// The chain of the calling thread; depth 0 where it has none. Under the same condition.
[[nodiscard, gnu::always_inline]] inline PythonChain python_chain_here() {
    const Python *interpreter = python;
    const std::uintptr_t thread = interpreter != nullptr ? python_thread(*interpreter) : 0;
    return thread != 0 ? python_chain(interpreter->layout, thread) : PythonChain{};
}

} // namespace flockstat::shim
