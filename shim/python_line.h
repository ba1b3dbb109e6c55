/// CPython's location tables (Objects/locations.md), from 3.11 on.
#pragma once

#include <cstdint>

namespace flockstat::shim {

/// The line of the instruction that is `instruction` bytes behind the function's first one; 0 where it has
/// none. `bytes` of table are read in order with read_byte(place, &out), which may fail.
///
/// An entry begins with a byte whose highest bit is set, and which says in its lowest three bits how many
/// code units (2 bytes each), less one, it is for, and between what follows: 0 to 9 and 10 to 12 columns in
/// short forms, 13 a line only, 14 line and columns, 15 that there is no line. Lines are told as differences.
template<typename ReadByte>
std::uint32_t python_line(std::uint32_t first_line, std::uint64_t bytes, std::uint64_t instruction,
                          ReadByte read_byte) {
    constexpr unsigned one_line_forms = 10;
    constexpr unsigned no_columns = 13;
    constexpr unsigned long_form = 14;
    constexpr unsigned code_unit_bytes = 2;
    std::int64_t line = first_line;
    std::uint64_t reached = 0;
    std::uint64_t at = 0;
    while (at < bytes) {
        std::uint8_t head = 0;
        if (!read_byte(at++, &head)) {
            return 0;
        }
        const unsigned form = head >> 3U & 15U;
        if (form >= one_line_forms && form < no_columns) {
            line += form - one_line_forms;
        } else if (form == no_columns || form == long_form) {
            // Six bits a byte, the lowest first, bit 6: there are more. Its lowest bit is the sign.
            std::uint64_t value = 0;
            std::uint8_t part = 0x40;
            for (unsigned shift = 0; (part & 0x40U) != 0 && shift < 36; shift += 6) {
                if (at >= bytes || !read_byte(at++, &part)) {
                    return 0;
                }
                value |= std::uint64_t{part & 0x3FU} << shift;
            }
            const auto magnitude = static_cast<std::int64_t>(value >> 1U);
            line += (value & 1U) != 0 ? -magnitude : magnitude;
        }
        reached += ((head & 7U) + 1) * code_unit_bytes;
        if (instruction < reached) {
            return form == 15 || line < 0 ? 0 : static_cast<std::uint32_t>(line);
        }
        // On to the next entry: only first bytes have the highest bit.
        for (std::uint8_t next = 0; at < bytes; ++at) {
            if (!read_byte(at, &next)) {
                return 0;
            }
            if ((next & 0x80U) != 0) {
                break;
            }
        }
    }
    return 0;
}

} // namespace flockstat::shim
