#include "shim/path_filter.h"

namespace flockstat::shim {
namespace {

/// The byte of a set at `*at`, which is inside the pattern; moves `*at` behind it. False where a `\` stands
/// at the pattern's end.
bool read_set_byte(std::string_view pattern, std::size_t *at, unsigned char *out) {
    if (pattern[*at] == '\\' && ++*at == pattern.size()) {
        return false;
    }
    *out = static_cast<unsigned char>(pattern[(*at)++]);
    return true;
}

/// Matches `byte` against the set that starts behind '[' at `*at`; moves `*at` behind its ']'. A set without
/// end is a plain '['.
bool matches_set(std::string_view pattern, std::size_t *at, char byte) {
    const auto value = static_cast<unsigned char>(byte);
    std::size_t i = *at;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    i += negated ? 1U : 0U;
    bool found = false;
    bool ends = true;
    for (bool first = true; ends && i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        unsigned char low = 0;
        ends = read_set_byte(pattern, &i, &low);
        unsigned char high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            ++i;
            ends = read_set_byte(pattern, &i, &high);
        }
        found = found || (value >= low && value <= high);
    }
    if (!ends || i >= pattern.size()) {
        return byte == '[';
    }
    *at = i + 1;
    return found != negated;
}

/// Matches one byte of text against the pattern's next element; moves `*at` behind it. A `\` at the
/// pattern's end matches nothing.
bool matches_one(std::string_view pattern, std::size_t *at, char byte) {
    const char element = pattern[(*at)++];
    switch (element) {
    case '?': return true;
    case '[': return matches_set(pattern, at, byte);
    case '\\': return *at < pattern.size() && pattern[(*at)++] == byte;
    default: return element == byte;
    }
}

bool any_matches(std::string_view globs, std::string_view path) {
    while (!globs.empty()) {
        const std::size_t end = globs.find(':');
        if (const std::string_view glob = globs.substr(0, end); !glob.empty() && matches_glob(glob, path)) {
            return true;
        }
        globs = end == std::string_view::npos ? std::string_view{} : globs.substr(end + 1);
    }
    return false;
}

} // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
    // On a mismatch only the latest '*' needs to take one byte more: earlier ones cannot help.
    std::size_t at = 0, read = 0;
    std::size_t star = std::string_view::npos, star_read = 0;
    while (read < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = ++at;
            star_read = read;
            continue;
        }
        std::size_t next = at;
        if (at < pattern.size() && matches_one(pattern, &next, text[read])) {
            at = next;
            ++read;
        } else if (star != std::string_view::npos) {
            at = star;
            read = ++star_read;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') {
        ++at;
    }
    return at == pattern.size();
}

bool is_included(std::string_view include, std::string_view exclude, std::string_view path) {
    return (include.empty() || any_matches(include, path)) && !any_matches(exclude, path);
}

} // namespace flockstat::shim
