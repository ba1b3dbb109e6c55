#include "reporter/summary/process_state.h"

#include "reporter/record/clock.h"
#include "reporter/record/system_call.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/auxv.h>
#include <sys/stat.h>

namespace flockstat::summary {
namespace {

using record::address_of;
using record::system_call;

constexpr std::string_view process_root = "/proc/";

/// Writes /proc/PID and `name` to `path`, which has room for it.
void name_file(std::int32_t pid, std::string_view name, char *path) {
    std::memcpy(path, process_root.data(), process_root.size());
    path = std::to_chars(path + process_root.size(), path + process_root.size() + 11, pid).ptr;
    std::memcpy(path, name.data(), name.size());
    path[name.size()] = '\0';
}

/// The first bytes of /proc/PID/stat.
std::string_view read_stat(std::int32_t pid, char *buffer, std::size_t room) {
    char path[40];
    name_file(pid, "/stat", path);
    const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return {};
    }
    const long got = system_call(SYS_read, fd, address_of(buffer), static_cast<long>(room));
    system_call(SYS_close, fd);
    return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// Field `number` (man 5 proc) of the text behind the name, which ends with a parenthesis: from 3 on.
std::string_view field(std::string_view after_name, unsigned number) {
    std::size_t start = 0;
    for (unsigned at = 3; at < number && start != std::string_view::npos; ++at) {
        start = after_name.find(' ', start);
        start = start == std::string_view::npos ? start : start + 1;
    }
    return start == std::string_view::npos ? std::string_view()
                                           : after_name.substr(start, after_name.find(' ', start) - start);
}

/// A process whose first thread ended is a zombie in its stat, but lives as long as another of its threads
/// does: the link count of its task directory is 2 and one for each thread.
bool has_other_threads(std::int32_t pid) {
    char path[40];
    name_file(pid, "/task", path);
    struct stat64 facts {};
    return system_call(SYS_newfstatat, AT_FDCWD, address_of(path), address_of(&facts), 0) == 0 &&
           facts.st_nlink > 3;
}

} // namespace

Life process_life(std::int32_t pid, std::uint64_t age_ns) {
    if (pid <= 0) {
        return Life::unknown;
    }
    char buffer[1024];
    const std::string_view line = read_stat(pid, buffer, sizeof buffer);
    const std::size_t name_end = line.rfind(')'); // the name may hold anything
    if (name_end == std::string_view::npos || name_end + 2 >= line.size()) {
        return system_call(SYS_kill, pid, 0) == -ESRCH ? Life::gone : Life::unknown;
    }
    const std::string_view rest = line.substr(name_end + 2);
    if ((rest.front() == 'Z' || rest.front() == 'X') && !has_other_threads(pid)) {
        return Life::gone;
    }
    const std::string_view start_text = field(rest, 22);
    std::uint64_t start = 0;
    if (std::from_chars(start_text.data(), start_text.data() + start_text.size(), start).ec != std::errc()) {
        return Life::unknown;
    }
    const std::uint64_t tick_ns = 1'000'000'000U / std::max<std::uint64_t>(getauxval(AT_CLKTCK), 1);
    const std::uint64_t slack_ns = 2 * tick_ns; // the kernel rounds the start
    const std::uint64_t lived_ns = record::monotonic_ns(CLOCK_BOOTTIME) - start * tick_ns;
    return lived_ns + slack_ns >= age_ns ? Life::alive : Life::gone;
}

std::uint64_t own_pid_namespace() {
    struct stat64 facts {};
    return system_call(SYS_newfstatat, AT_FDCWD, address_of("/proc/self/ns/pid"), address_of(&facts), 0) == 0
               ? facts.st_ino
               : 0;
}

} // namespace flockstat::summary
