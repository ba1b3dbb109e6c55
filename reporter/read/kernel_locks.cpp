#include "reporter/read/kernel_locks.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace flockstat::reporter {
namespace {

/// All of the text as a number.
template<typename Number>
bool parse(std::string_view text, Number *number, int base = 10) {
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *number, base);
    return fault == std::errc() && end == text.data() + text.size();
}

bool parse_file(const std::string &text, KernelLock *lock) {
    constexpr int hexadecimal = 16;
    const std::size_t minor = text.find(':');
    const std::size_t inode = text.find(':', minor + 1);
    return minor != std::string::npos && inode != std::string::npos &&
           parse(std::string_view(text).substr(0, minor), &lock->device_major, hexadecimal) &&
           parse(std::string_view(text).substr(minor + 1, inode - minor - 1), &lock->device_minor,
                 hexadecimal) &&
           parse(std::string_view(text).substr(inode + 1), &lock->inode);
}

/// "1: FLOCK  ADVISORY  WRITE 812 08:01:1835012 0 EOF"; behind the number "->" where it waits.
std::optional<KernelLock> parse_line(const std::string &line, bool *waits) {
    std::istringstream words(line);
    std::string number, kind, how, mode, pid, file, start, end;
    words >> number >> kind;
    *waits = kind == "->";
    if (*waits) {
        words >> kind;
    }
    if (!(words >> how >> mode >> pid >> file >> start >> end)) {
        return std::nullopt;
    }
    KernelLock lock;
    lock.family = kind == "FLOCK" ? Family::flock : Family::posix;
    lock.mode = mode == "WRITE" ? Mode::exclusive : Mode::shared;
    const bool known = (kind == "FLOCK" || kind == "POSIX") && (mode == "WRITE" || mode == "READ") &&
                       parse(pid, &lock.pid) && lock.pid > 0 && parse_file(file, &lock) &&
                       parse(start, &lock.range_start) && (end == "EOF" || parse(end, &lock.range_end));
    return known ? std::optional(lock) : std::nullopt;
}

} // namespace

bool is_in_the_way(const KernelLock &held, const KernelLock &wanted) {
    return held.inode == wanted.inode && held.device_major == wanted.device_major &&
           held.device_minor == wanted.device_minor &&
           (held.family == Family::flock) == (wanted.family == Family::flock) &&
           (held.mode == Mode::exclusive || wanted.mode == Mode::exclusive) &&
           held.range_start <= wanted.range_end && wanted.range_start <= held.range_end;
}

KernelLocks parse_kernel_locks(std::string_view text) {
    KernelLocks locks;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        bool waits = false;
        if (const auto lock = parse_line(line, &waits)) {
            (waits ? locks.wanted : locks.held).push_back(*lock);
        }
    }
    return locks;
}

KernelLocks kernel_locks() {
    std::ifstream file("/proc/locks");
    return parse_kernel_locks(std::string{std::istreambuf_iterator<char>(file), {}});
}

std::vector<std::string> command_of(std::int32_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    std::vector<std::string> arguments;
    for (std::string argument; std::getline(file, argument, '\0');) {
        arguments.push_back(argument);
    }
    return arguments;
}

} // namespace flockstat::reporter
