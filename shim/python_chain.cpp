#include "shim/python_chain.h"

#include "shim/python_text.h"

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
        hash = (hash << 9U | hash >> 55U) + load_word(at) * factors[1];
    }
    if (bytes % sizeof hash != 0) {
        const std::uint64_t mask = (std::uint64_t{1} << bytes % sizeof hash * 8U) - 1;
        hash = (hash << 9U | hash >> 55U) + (load_word(at) & mask) * factors[1];
    }
    return hash;
}

std::uint64_t hash_table(std::uintptr_t table) {
    const std::uintptr_t text = table + python_bytes_text;
    const std::uint64_t bytes = load_word(table + python_var_size);
    if (bytes < 2 * sizeof bytes) {
        return bytes;
    }
    const std::uint64_t last = (bytes - sizeof bytes) & ~std::uint64_t{7};
    return (load_word(text) ^ bytes) * factors[0] + load_word(text + last) * factors[2];
}

std::uint64_t hash_content(const PythonLayout &layout, std::uintptr_t code) {
    LastFile file;
    return content_hash(layout, code, file);
}

} // namespace flockstat::shim::python_hash_detail
