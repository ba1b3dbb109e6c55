#include "shim/same_description.h"

#include "reporter/record/system_call.h"
#include "shim/proc_path.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

/// The locks of an open file description, as fdinfo lists them: kind, mode, who got it, file, range; without
/// their ordinals. Those of its process (POSIX) are left out.
class LockLines {
public:
    /// False where the file cannot be read.
    bool read(const char *path) {
        const long file = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            return false;
        }
        char text[1024]; // more lines than that are not compared
        long used = 0;
        long bytes = 0;
        while (used < static_cast<long>(sizeof text) &&
               (bytes = system_call(SYS_read, file, address_of(text + used),
                                    static_cast<long>(sizeof text) - used)) > 0) {
            used += bytes;
        }
        system_call(SYS_close, file);
        collect({text, static_cast<std::size_t>(used)});
        return bytes >= 0;
    }
    [[nodiscard]] bool empty() const { return used_ == 0; }
    [[nodiscard]] bool exclusive() const { return text().find(" WRITE ") != std::string_view::npos; }
    [[nodiscard]] std::string_view text() const { return {text_, used_}; }

private:
    void collect(std::string_view lines) {
        constexpr std::string_view start = "lock:\t";
        while (!lines.empty()) {
            const std::size_t end = lines.find('\n');
            const std::string_view line = lines.substr(0, end);
            lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
            const std::size_t colon = line.find(": ");
            if (!line.starts_with(start) || colon == std::string_view::npos) {
                continue;
            }
            const std::string_view lock = line.substr(colon + 2);
            if (!lock.starts_with("POSIX") && used_ + lock.size() <= sizeof text_) {
                std::memcpy(text_ + used_, lock.data(), lock.size());
                used_ += lock.size();
            }
        }
    }

    char text_[512];
    std::size_t used_ = 0;
};

Answer compare_locks(int ours, std::int32_t pid, int theirs) {
    ProcPath our_path;
    ProcPath their_path;
    LockLines our_lines;
    LockLines their_lines;
    if (!our_lines.read(our_path.add("/proc/self/fdinfo/").add(ours).c_str()) || our_lines.empty() ||
        !their_lines.read(their_path.add("/proc/").add(pid).add("/fdinfo/").add(theirs).c_str())) {
        return Answer::unknown;
    }
    if (our_lines.text() != their_lines.text()) {
        return Answer::no;
    }
    return our_lines.exclusive() ? Answer::yes : Answer::unknown;
}

/// Where kcmp is not allowed: other files are other descriptions.
Answer compare_files(int ours, std::int32_t pid, int theirs) {
    ProcPath path;
    path.add("/proc/").add(pid).add("/fd/").add(theirs);
    struct stat64 mine {};
    struct stat64 other {};
    const long failed =
        system_call(SYS_newfstatat, AT_FDCWD, address_of(path.c_str()), address_of(&other), 0);
    if (failed == -ENOENT || failed == -ESRCH) {
        return Answer::absent;
    }
    if (failed != 0 ||
        system_call(SYS_newfstatat, ours, address_of(""), address_of(&mine), AT_EMPTY_PATH) != 0) {
        return Answer::unknown;
    }
    const bool same_file = mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
    return same_file ? compare_locks(ours, pid, theirs) : Answer::no;
}

} // namespace

Answer is_same_description(int ours, std::int32_t pid, int theirs) {
    constexpr long kcmp_file = 0; // KCMP_FILE
    const long order = system_call(SYS_kcmp, system_call(SYS_getpid), pid, kcmp_file, ours, theirs);
    if (order >= 0) {
        return order == 0 ? Answer::yes : Answer::no;
    }
    return order == -EBADF || order == -ESRCH ? Answer::absent : compare_files(ours, pid, theirs);
}

} // namespace flockstat::shim
