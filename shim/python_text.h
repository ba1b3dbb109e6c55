/// How a CPython str keeps its text (PEP 393).
#pragma once

#include "shim/python_layout.h"

namespace flockstat::shim {

struct PythonText {
    std::size_t offset;   ///< from the object's start
    std::uint64_t length; ///< characters
    unsigned width;       ///< bytes of a character: 1, 2 or 4; one-byte characters are those of Latin-1
};

/// From the word of flags and the length of a str. False for one that is not compact (made by an old C
/// interface, never by the compiler), or where it can be no str.
[[nodiscard]] inline bool describe_python_text(const PythonLayout &layout, std::uint32_t state,
                                               std::uint64_t length, PythonText *out) {
    constexpr std::uint64_t longest = 1U << 20U;
    // Two bits say whether the string is interned, then come kind, compact and ASCII. In some releases of
    // 3.14 the first part is 16 bits wide instead: what follows is there, and nothing between.
    constexpr unsigned kind_at = 2;
    const std::uint32_t flags = (state & 0xFFFCU) == 0 ? state >> 16U << kind_at : state;
    const unsigned width = flags >> kind_at & 7U;
    const bool compact = (flags >> (kind_at + 3) & 1U) != 0;
    const bool ascii = (flags >> (kind_at + 4) & 1U) != 0;
    if (!compact || (width != 1 && width != 2 && width != 4) || (ascii && width != 1) || length > longest) {
        return false;
    }
    *out = {.offset = ascii ? layout.ascii_text : layout.compact_text, .length = length, .width = width};
    return true;
}

} // namespace flockstat::shim
