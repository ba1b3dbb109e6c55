#include "shim/mapped_file.h"

#include "reporter/record/system_call.h"
#include "shim/own_descriptor.h"

#include <cerrno>
#include <charconv>
#include <string_view>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

constexpr unsigned bits = 64;
/// Higher numbers are not marked: their locks end with the last close, mapped or not.
constexpr unsigned max_marked = 65536;
std::uint64_t marks[max_marked / bits];

std::uint64_t bit_of(int descriptor) {
    return std::uint64_t{1} << (static_cast<unsigned>(descriptor) % bits);
}

/// A stream of bytes, looked through for words between blanks.
class WordFinder {
public:
    explicit WordFinder(std::string_view word) : word_(word) {}

    bool feed(char c) {
        if (c != ' ' && c != '\n') {
            matching_ = matching_ && at_ < word_.size() && word_[at_] == c;
            ++at_;
            return false;
        }
        const bool found = matching_ && at_ == word_.size();
        at_ = 0;
        matching_ = true;
        return found;
    }

private:
    std::string_view word_;
    std::size_t at_ = 0;
    bool matching_ = true;
};

} // namespace

void mark_mapped(int descriptor) {
    if (static_cast<unsigned>(descriptor) < max_marked) {
        __atomic_fetch_or(&marks[static_cast<unsigned>(descriptor) / bits], bit_of(descriptor),
                          __ATOMIC_RELAXED);
    }
}

bool is_marked_mapped(int descriptor) {
    return static_cast<unsigned>(descriptor) < max_marked &&
           (__atomic_load_n(&marks[static_cast<unsigned>(descriptor) / bits], __ATOMIC_RELAXED) &
            bit_of(descriptor)) != 0;
}

void clear_mapped(int descriptor) {
    if (is_marked_mapped(descriptor)) {
        __atomic_fetch_and(&marks[static_cast<unsigned>(descriptor) / bits], ~bit_of(descriptor),
                           __ATOMIC_RELAXED);
    }
}

bool has_mapping(const char *maps_path, const FileIdentity &identity) {
    const OwnDescriptor maps(maps_path);
    if (maps.number() < 0) {
        return maps.number() != -ENOENT && maps.number() != -ESRCH;
    }
    // The inode stands alone in its column; the device does not tell (btrfs shows another one than statx).
    char number[24];
    const char *end = std::to_chars(number, number + sizeof number, identity.inode).ptr;
    WordFinder inode({number, static_cast<std::size_t>(end - number)});
    char buffer[1024];
    long got = 0;
    bool found = false;
    while (!found && (got = system_call(SYS_read, maps.number(), address_of(buffer), sizeof buffer)) > 0) {
        for (long i = 0; i < got && !found; ++i) {
            found = inode.feed(buffer[i]);
        }
    }
    return found;
}

} // namespace flockstat::shim
