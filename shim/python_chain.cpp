#include "shim/python_chain.h"

#include "shim/python_text.h"

#include <cstring>

namespace flockstat::shim::python_hash_detail {

/// Whole words, because strings are aligned to 8; of the last one only what is text.
std::uint64_t hash_text(const PythonLayout &layout, std::uintptr_t string) {
    constexpr std::uint64_t longest = 4096;
    PythonText text;
    if (!describe_python_text(layout, load_half(string + python_string_state),
                              load_word(string + python_var_size), &text)) {
        return string;
    }
    const std::uint64_t bytes = text.length * text.width < longest ? text.length * text.width : longest;
    std::uint64_t hash = text.length;
    std::uintptr_t at = string + text.offset;
    for (const std::uintptr_t end = at + (bytes & ~std::uint64_t{7}); at != end; at += sizeof hash) {
        hash = mix(hash ^ load_word(at), factors[0]);
    }
    if (bytes % sizeof hash != 0) {
        const std::uint64_t text_bits = (std::uint64_t{1} << bytes % sizeof hash * 8U) - 1;
        hash = mix(hash ^ (load_word(at) & text_bits), factors[0]);
    }
    return hash;
}

std::uint64_t hash_table(std::uintptr_t table) {
    const std::uintptr_t text = table + python_bytes_text;
    const std::uint64_t bytes = load_word(table + python_var_size);
    if (bytes < 2 * sizeof bytes) {
        return bytes;
    }
    std::uint64_t last = 0;
    std::memcpy(&last, reinterpret_cast<const void *>(text + bytes - sizeof last), sizeof last);
    return mix(load_word(text) ^ bytes, last ^ factors[2]) ^ table;
}

std::uint64_t hash_unversioned(const PythonLayout &layout, std::uintptr_t frame, std::uintptr_t code) {
    LastFile file;
    const std::uint64_t line = load_half(code + layout.code_first_line);
    const std::uint64_t place = load_word(frame + layout.frame_instruction) + std::rotl(line, 40);
    return mix(place, content_hash(layout, code, file) ^ factors[0]);
}

} // namespace flockstat::shim::python_hash_detail
