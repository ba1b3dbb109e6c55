/// UTF-8 as RFC 3629 has it. Allocates nothing; usable in any context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flockstat::record {

struct Character {
    std::size_t bytes = 0; ///< 0: the byte begins no valid sequence
    std::uint32_t code = 0;
};

/// The character at the front of `text`, which is not empty: no overlong forms, no surrogates, nothing above
/// U+10FFFF.
[[nodiscard]] constexpr Character decode_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const std::uint32_t first = byte(0);
    if (first < 0x80) {
        return {1, first};
    }
    const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (first < 0xc2 || first > 0xf4 || text.size() < bytes) {
        return {};
    }
    std::uint32_t code = first & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) {
            return {};
        }
        code = code << 6U | (byte(i) & 0x3fU);
    }
    if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return {};
    }
    return {bytes, code};
}

/// Unicode's category Cc, which terminals obey, those from 0x80 on too.
[[nodiscard]] constexpr bool is_control(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

} // namespace flockstat::record
