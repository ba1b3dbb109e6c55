/// Short paths below /proc, made without memory: some are made on the small stack of a signal handler.
#pragma once

#include "reporter/record/system_call.h"

#include <charconv>
#include <cstring>
#include <fcntl.h>
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

/// Where /proc shows the calling thread: /proc/thread-self, or /proc/self before Linux 3.17. The latter is
/// the main thread's, and empty when that has ended before the others.
[[nodiscard]] std::string_view own_folder();

/// Does /proc show this process's pid namespace? `unshare --pid` leaves the outer one's there, in which our
/// numbers are others'.
[[nodiscard]] inline bool is_proc_ours() {
    using record::address_of;
    using record::system_call;
    char link[12];
    const long bytes =
        system_call(SYS_readlinkat, AT_FDCWD, address_of("/proc/self"), address_of(link), sizeof link);
    int pid = 0;
    return bytes > 0 && std::from_chars(link, link + bytes, pid).ec == std::errc() &&
           pid == system_call(SYS_getpid);
}

} // namespace flockstat::shim
