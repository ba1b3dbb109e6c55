#include "reporter/read/kernel_locks.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace flockstat::reporter {
namespace {

/// All of the text as a number.
template<typename Number>
bool parse(std::string_view text, Number *number, int base = 10) {
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *number, base);
    return fault == std::errc() && end == text.data() + text.size();
}

bool parse_file(std::string_view text, KernelLock *lock) {
    constexpr int hexadecimal = 16;
    const std::size_t minor = text.find(':');
    const std::size_t inode = text.find(':', minor + 1);
    return minor != std::string_view::npos && inode != std::string_view::npos &&
           parse(text.substr(0, minor), &lock->device_major, hexadecimal) &&
           parse(text.substr(minor + 1, inode - minor - 1), &lock->device_minor, hexadecimal) &&
           parse(text.substr(inode + 1), &lock->inode);
}

/// Takes the next word off the front of a line; empty at its end.
std::string_view take_word(std::string_view &line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

/// "1: FLOCK  ADVISORY  WRITE 812 08:01:1835012 0 EOF"; behind the number "->" where it waits.
std::optional<KernelLock> parse_line(std::string_view line, bool *waits) {
    take_word(line); // its number
    std::string_view kind = take_word(line);
    while (kind == "->") {
        *waits = true;
        kind = take_word(line);
    }
    take_word(line); // ADVISORY
    const std::string_view mode = take_word(line);
    const std::string_view pid = take_word(line);
    const std::string_view file = take_word(line);
    const std::string_view start = take_word(line);
    const std::string_view end = take_word(line);
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
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
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
