/// The calling thread's Python frames, as a number that tells stacks apart.
#pragma once

#include "shim/python.h"

#include <bit>

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

/// Odd numbers without pattern (fractional digits of pi).
inline constexpr std::uint64_t factors[] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1};

/// Both halves of the product: each bit of the inputs counts for all of the hash.
[[nodiscard, gnu::always_inline]] inline std::uint64_t mix(std::uint64_t one, std::uint64_t other) {
    __extension__ using Product = unsigned __int128;
    const Product product = Product{one} * other;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

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

/// What a function is called, and its line table: the strings' own hashes, which every str that the compiler
/// made has, or their text. Turned against each other, because one string may be both name and file.
[[nodiscard, gnu::always_inline]] inline std::uint64_t content_hash(const PythonLayout &layout,
                                                                    std::uintptr_t code, LastFile &file) {
    if (const std::uintptr_t path = load_word(code + layout.code_file); path != file.string) {
        file = {path, std::rotl(text_hash(layout, path), 42)};
    }
    return std::rotl(table_hash(load_word(code + layout.code_line_table)), 21) +
           text_hash(layout, load_word(code + layout.code_qualified_name)) + file.hash;
}

/// 3.11: all of a frame that is shown.
[[nodiscard, gnu::always_inline]] inline std::uint64_t
add_content(const PythonLayout &layout, std::uintptr_t frame, std::uint64_t hash, LastFile &file) {
    const std::uintptr_t code = load_word(frame + layout.frame_code);
    const std::uint64_t line = load_half(code + layout.code_first_line);
    const std::uint64_t place = load_word(frame + layout.frame_instruction) +
                                std::rotl(line * 2 + load_byte(frame + layout.frame_kind), 40);
    return mix(hash ^ place, content_hash(layout, code, file) ^ factors[0]);
}

/// The same of a code object without a version.
[[nodiscard, gnu::noinline]] std::uint64_t hash_unversioned(const PythonLayout &layout, std::uintptr_t frame,
                                                            std::uintptr_t code);

/// From 3.12 on: a code object's version tells it from all that are, or were or will be in its place. Which
/// of its instructions it is is in the lower half of the address, whose last bit is 0: entries differ.
[[nodiscard, gnu::always_inline]] inline std::uint64_t add_version(const PythonLayout &layout,
                                                                   std::uintptr_t frame, std::uint64_t hash) {
    if (load_byte(frame + layout.frame_kind) >= PythonLayout::first_entry_owner) [[unlikely]] {
        return mix(hash ^ 1U, factors[1]);
    }
    const std::uintptr_t code = load_word(frame + layout.frame_code) & ~PythonLayout::code_tag_bits;
    const std::uint64_t version = load_half(code + layout.code_version);
    const std::uint64_t place = version << 32U | load_half(frame + layout.frame_instruction);
    return mix(hash ^ (version != 0 ? place : hash_unversioned(layout, frame, code)), factors[2]);
}

/// Walks outwards from `frame`; `add(frame, hash)` gives the hash with that frame.
template<typename Add>
[[nodiscard, gnu::always_inline]] inline PythonChain walk(const PythonLayout &layout, std::uintptr_t frame,
                                                          Add add) {
    PythonChain chain{factors[0], 0};
    for (; frame != 0; frame = load_word(frame + layout.frame_previous)) {
        if (chain.depth++ == max_python_chain) [[unlikely]] {
            return {0, 0};
        }
        chain.hash = add(frame, chain.hash);
    }
    return chain;
}

[[nodiscard, gnu::always_inline]] inline PythonChain walk_versions(const PythonLayout &layout,
                                                                   std::uintptr_t frame) {
    return walk(layout, frame,
                [&](std::uintptr_t at, std::uint64_t hash) { return add_version(layout, at, hash); });
}

} // namespace python_hash_detail

/// Walks the frames of `thread`, which is python_thread(), where the native frames are known to be as they
/// were (StackCache), so that the thread is inside the interpreter. Code objects are freed, and others made
/// in their place: so a hash takes in what tells them apart, not only where they are.
[[nodiscard, gnu::always_inline]] inline PythonChain python_chain(const PythonLayout &layout,
                                                                  std::uintptr_t thread) {
    const std::uintptr_t frame = python_current_frame(layout, thread);
    if (layout.marks_entry()) {
        python_hash_detail::LastFile file;
        return python_hash_detail::walk(
            python_layout_3_11, frame, [&](std::uintptr_t at, std::uint64_t hash) {
                return python_hash_detail::add_content(python_layout_3_11, at, hash, file);
            });
    }
    if (layout.has_usual_frames) [[likely]] {
        PythonLayout usual = python_layout_3_12;
        usual.frame_kind = layout.frame_kind;
        return python_hash_detail::walk_versions(usual, frame);
    }
    return python_hash_detail::walk_versions(layout, frame);
}

/// The chain of the calling thread; depth 0 where it has none. Under the same condition.
[[nodiscard, gnu::always_inline]] inline PythonChain python_chain_here() {
    const Python *interpreter = python;
    const std::uintptr_t thread = interpreter != nullptr ? python_thread(*interpreter) : 0;
    return thread != 0 ? python_chain(interpreter->layout, thread) : PythonChain{};
}

} // namespace flockstat::shim
