/// CRC-32C (Castagnoli), RFC 3720 appendix B.4.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace flockstat::reporter {

inline constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? 0x82F63B78U : 0U);
        }
        table[byte] = rest;
    }
    return table;
}();

[[nodiscard]] constexpr std::uint32_t crc32c(std::string_view bytes) {
    std::uint32_t rest = 0xFFFFFFFFU;
    for (const char byte : bytes) {
        rest = (rest >> 8U) ^ crc32c_table[(rest ^ static_cast<unsigned char>(byte)) & 0xFFU];
    }
    return ~rest;
}

static_assert(crc32c("123456789") == 0xE3069283U);

} // namespace flockstat::reporter
