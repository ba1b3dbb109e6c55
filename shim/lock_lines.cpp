#include "shim/lock_lines.h"

#include "reporter/record/system_call.h"
#include "shim/own_descriptor.h"
#include "shim/proc_path.h"

#include <cstring>

namespace flockstat::shim {

using record::address_of;
using record::system_call;

bool LockLines::read(int descriptor) {
    ProcPath path;
    return read_file(path.add(own_folder()).add("/fdinfo/").add(descriptor).c_str());
}

bool LockLines::read(std::int32_t pid, int descriptor) {
    ProcPath path;
    return read_file(path.add("/proc/").add(pid).add("/fdinfo/").add(descriptor).c_str());
}

bool LockLines::read_file(const char *path) {
    const OwnDescriptor file(path);
    if (file.number() < 0) {
        return false;
    }
    char text[1024];
    long used = 0;
    long bytes = 0;
    while (used < static_cast<long>(sizeof text) &&
           (bytes = system_call(SYS_read, file.number(), address_of(text + used),
                                static_cast<long>(sizeof text) - used)) > 0) {
        used += bytes;
    }
    return bytes == 0 && collect({text, static_cast<std::size_t>(used)});
}

std::string_view LockLines::first_of(std::string_view kind) const {
    std::string_view lines = text();
    while (!lines.empty() && !lines.starts_with(kind)) {
        lines.remove_prefix(lines.find('\n') + 1); // each line has its end
    }
    return lines.substr(0, lines.find('\n'));
}

bool LockLines::collect(std::string_view lines) {
    constexpr std::string_view start = "lock:\t";
    used_ = 0;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        const std::size_t colon = line.find(": ");
        if (!line.starts_with(start) || colon == std::string_view::npos) {
            continue;
        }
        const std::string_view lock = line.substr(colon + 2);
        if (lock.starts_with("POSIX")) {
            continue;
        }
        if (used_ + lock.size() + 1 > sizeof text_) {
            return false;
        }
        std::memcpy(text_ + used_, lock.data(), lock.size());
        used_ += lock.size();
        text_[used_++] = '\n';
    }
    return true;
}

} // namespace flockstat::shim
