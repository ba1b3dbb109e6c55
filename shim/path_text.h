/// Text put together in a buffer of fixed size: paths, without allocation.
#pragma once

#include "reporter/record/run_identity.h"

namespace flockstat::shim {

/// What does not fit is left out, and makes it overflow. Always NUL-terminated.
class PathText {
public:
    PathText &add(std::string_view text) {
        if (used_ + text.size() >= sizeof text_) {
            overflow_ = true;
            return *this;
        }
        std::memcpy(text_ + used_, text.data(), text.size());
        used_ += text.size();
        text_[used_] = '\0';
        return *this;
    }
    PathText &add_number(std::int64_t number) {
        char digits[24];
        const char *end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return add({digits, static_cast<std::size_t>(end - digits)});
    }
    [[nodiscard]] bool overflow() const { return overflow_; }
    [[nodiscard]] std::string_view view() const { return {text_, used_}; }
    [[nodiscard]] const char *c_str() const { return text_; }

private:
    char text_[record::max_path_bytes] = {};
    std::size_t used_ = 0;
    bool overflow_ = false;
};

} // namespace flockstat::shim
