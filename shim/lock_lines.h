/// The locks of an open file description as the kernel shows them (man 5 proc: /proc/PID/fdinfo).
/// Async-signal-safe, errno untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flockstat::shim {

/// Kind, mode, who got it, file, range of each, without their ordinals. Those of its process (POSIX) are left
/// out.
class LockLines {
public:
    /// Of this process's descriptor. False where they cannot be read, or are too many.
    [[nodiscard]] bool read(int descriptor);

    /// The same, of another process.
    [[nodiscard]] bool read(std::int32_t pid, int descriptor);

    [[nodiscard]] bool empty() const { return used_ == 0; }
    [[nodiscard]] bool exclusive() const { return text().find(" WRITE ") != std::string_view::npos; }

    /// The first one of a kind, FLOCK or OFDLCK; empty where there is none.
    [[nodiscard]] std::string_view first_of(std::string_view kind) const;

    /// One a line.
    [[nodiscard]] std::string_view text() const { return {text_, used_}; }

private:
    bool read_file(const char *path);
    bool collect(std::string_view lines);

    char text_[512];
    std::size_t used_ = 0;
};

} // namespace flockstat::shim
