#include "reporter/read/run.h"

#include "reporter/record/run_identity.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace flockstat::reporter {
namespace {

/// The place of run.flk (1), run.2.flk (2), ...; nothing for other names.
std::optional<unsigned> run_number(std::string_view name) {
    constexpr std::string_view prefix = "run.";
    constexpr std::string_view suffix = ".flk";
    if (name == "run.flk") {
        return 1;
    }
    if (!name.starts_with(prefix) || !name.ends_with(suffix) ||
        name.size() <= prefix.size() + suffix.size()) {
        return std::nullopt;
    }
    const char *end = name.data() + name.size() - suffix.size();
    unsigned number = 0;
    const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
    return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

} // namespace

std::optional<std::string> host_elsewhere(const std::filesystem::path &file) {
    std::error_code failed;
    const std::filesystem::path target = std::filesystem::read_symlink(file, failed);
    const std::string name = target.filename().string();
    std::string_view host;
    if (failed || !record::read_arena_name(name, &host) || host.empty() ||
        host == record::own_host().view() || std::filesystem::exists(file, failed)) {
        return std::nullopt;
    }
    return std::string(host);
}

std::vector<std::filesystem::path> run_files(const std::filesystem::path &directory) {
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(directory, failed);
    if (!std::filesystem::exists(std::filesystem::symlink_status(directory, failed))) {
        throw ReadError(directory, "there is no such file or directory; name one that 'flockstat run' made");
    }
    if (status.type() != std::filesystem::file_type::directory) {
        return {directory};
    }
    std::vector<std::pair<unsigned, std::filesystem::path>> found;
    std::filesystem::directory_iterator entries(directory, failed);
    for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
        if (const auto number = run_number(entries->path().filename().native())) {
            found.emplace_back(*number, entries->path());
        }
    }
    if (failed) {
        throw ReadError(directory, "cannot be listed: " + failed.message() + "; check its permissions");
    }
    if (found.empty()) {
        throw ReadError(directory,
                        "there is no run in it (no run.flk): name a directory that 'flockstat run' made");
    }
    std::ranges::sort(found);
    std::vector<std::filesystem::path> files;
    for (auto &[number, file] : found) {
        files.push_back(std::move(file));
    }
    return files;
}

} // namespace flockstat::reporter
