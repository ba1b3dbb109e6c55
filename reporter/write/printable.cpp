#include "reporter/write/printable.h"

#include "reporter/record/utf8.h"

#include <cstdint>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

using record::Character;

/// Controls, and marks that turn the direction of what follows or are invisible: text on a terminal that is
/// not what it seems.
bool steers_terminal(std::uint32_t code) {
    return record::is_control(code) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

bool is_wide(std::uint32_t code) {
    return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
           (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
           (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
           (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
}

bool is_combining(std::uint32_t code) { return code >= 0x300 && code <= 0x36f; }

std::size_t columns_of(std::uint32_t code) {
    constexpr std::uint32_t first_odd = 0x300; // most text stays below
    return code < first_odd || !(is_combining(code) || is_wide(code)) ? 1 : is_wide(code) ? 2 : 0;
}

void append_escaped(std::string &out, std::string_view bytes) {
    for (const char byte : bytes) {
        out += byte == '\n'   ? "\\n"
               : byte == '\t' ? "\\t"
                              : fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
}

/// Copies characters that `shown` accepts and escapes the bytes of all others.
template<typename Shown>
std::string escape_unless(std::string_view bytes, Shown shown) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const Character character = record::decode_utf8(bytes);
        const std::size_t length = character.bytes == 0 ? 1 : character.bytes;
        if (character.bytes != 0 && shown(character.code)) {
            out += bytes.substr(0, length);
        } else {
            append_escaped(out, bytes.substr(0, length));
        }
        bytes.remove_prefix(length);
    }
    return out;
}

} // namespace

std::string valid_utf8(std::string_view bytes) {
    return escape_unless(bytes, [](std::uint32_t) { return true; });
}

std::string printable(std::string_view bytes, bool unicode) {
    return escape_unless(
        bytes, [unicode](std::uint32_t code) { return !steers_terminal(code) && (unicode || code < 0x80); });
}

std::size_t display_width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character character = record::decode_utf8(text);
        columns += character.bytes == 0 ? 1 : columns_of(character.code);
        text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
    }
    return columns;
}

std::string_view fit(std::string_view text, std::size_t columns) {
    std::size_t used = 0;
    std::size_t bytes = 0;
    while (bytes < text.size()) {
        const Character character = record::decode_utf8(text.substr(bytes));
        const std::size_t wanted = character.bytes == 0 ? 1 : columns_of(character.code);
        if (used + wanted > columns) {
            break;
        }
        used += wanted;
        bytes += character.bytes == 0 ? 1 : character.bytes;
    }
    return text.substr(0, bytes);
}

} // namespace flockstat::reporter
