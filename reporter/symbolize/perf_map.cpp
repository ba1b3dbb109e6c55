#include "reporter/symbolize/perf_map.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>
#include <sys/stat.h>

namespace flockstat::reporter {
namespace {

bool may_be_read(const std::filesystem::path &file, std::int64_t not_before_ns) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return false;
    }
    constexpr std::int64_t slack_s = 2; // file systems keep coarser times than clocks
    return facts.st_mtim.tv_sec + slack_s >= not_before_ns / 1'000'000'000;
}

/// Takes a hexadecimal number and the blank after it off the front.
bool take_number(std::string_view &line, std::uint64_t *out) {
    if (line.starts_with("0x")) {
        line.remove_prefix(2);
    }
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), *out, 16);
    if (parsed.ec != std::errc{} || parsed.ptr == line.data() + line.size() || *parsed.ptr != ' ') {
        return false;
    }
    line.remove_prefix(static_cast<std::size_t>(parsed.ptr - line.data()) + 1);
    return true;
}

} // namespace

PerfMap::PerfMap(const std::filesystem::path &file, std::int64_t not_before_ns) {
    if (!may_be_read(file, not_before_ns)) {
        return;
    }
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        std::string_view rest = line;
        Code code{};
        if (take_number(rest, &code.start) && take_number(rest, &code.size) && !rest.empty()) {
            code.name = rest;
            code_.push_back(std::move(code));
        }
    }
    std::ranges::stable_sort(code_, {}, &Code::start);
}

std::string PerfMap::name_at(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(code_, address, {}, &Code::start);
    if (after == code_.begin()) {
        return {};
    }
    const Code &code = *std::prev(after);
    return address - code.start < code.size ? code.name : std::string();
}

} // namespace flockstat::reporter
