/// Short paths below /proc, made without memory: some are made on the small stack of a signal handler.
#pragma once

#include <charconv>
#include <cstring>
#include <string_view>

namespace flockstat::shim {

class ProcPath {
public:
    ProcPath &add(std::string_view text) {
        const std::size_t bytes =
            text.size() < sizeof text_ - 1 - used_ ? text.size() : sizeof text_ - 1 - used_;
        std::memcpy(text_ + used_, text.data(), bytes);
        used_ += bytes;
        return *this;
    }
    ProcPath &add(int number) {
        char digits[12];
        const char *end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return add({digits, static_cast<std::size_t>(end - digits)});
    }
    [[nodiscard]] const char *c_str() const { return text_; }

private:
    char text_[64] = {};
    std::size_t used_ = 0;
};

} // namespace flockstat::shim
