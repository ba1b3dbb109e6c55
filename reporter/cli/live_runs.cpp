#include "reporter/cli/live_runs.h"

#include "reporter/cli/failure.h"
#include "reporter/read/run.h"
#include "reporter/record/run_identity.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <unistd.h>

namespace flockstat::cli {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> arena_directories() {
    std::vector<fs::path> directories;
    for (const char *variable : {"FLOCKSTAT_ARENA_DIR", "TMPDIR"}) {
        if (const char *value = std::getenv(variable); value != nullptr && *value == '/') {
            directories.emplace_back(value);
        }
    }
    directories.emplace_back("/dev/shm");
    directories.emplace_back("/tmp");
    return directories;
}

bool is_arena_name(const std::string &name) {
    std::string_view host;
    return record::read_arena_name(name, &host);
}

bool has_process(const fs::path &file, std::int32_t pid) {
    try {
        const reporter::Run run = reporter::read_run(file);
        return std::ranges::any_of(run.processes, [pid](const reporter::Process &process) {
            return process.pid == pid && process.ending == reporter::Ending::running;
        });
    } catch (const reporter::ReadError &) {
        return false;
    }
}

std::optional<std::int32_t> pid_of(const std::string &text) {
    const bool digits = !text.empty() && text.size() < 10 &&
                        std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? std::optional(static_cast<std::int32_t>(std::strtol(text.c_str(), nullptr, 10)))
                  : std::nullopt;
}

} // namespace

std::vector<fs::path> arenas_in_memory() {
    std::set<fs::path> files;
    for (const fs::path &directory : arena_directories()) {
        std::error_code fault;
        for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end;
             entry.increment(fault)) {
            if (is_arena_name(entry->path().filename().string()) &&
                access(entry->path().c_str(), R_OK) == 0) {
                files.insert(entry->path());
            }
        }
    }
    return {files.begin(), files.end()};
}

std::vector<fs::path> live_run_files(const std::optional<std::string> &target) {
    if (!target) {
        return arenas_in_memory();
    }
    const std::optional<std::int32_t> pid = pid_of(*target);
    if (!pid || fs::exists(*target)) {
        std::vector<fs::path> files = reporter::run_files(*target);
        std::erase_if(files, [](const fs::path &file) { return reporter::host_elsewhere(file).has_value(); });
        return files;
    }
    std::vector<fs::path> files = arenas_in_memory();
    std::erase_if(files, [&](const fs::path &file) { return !has_process(file, *pid); });
    if (files.empty()) {
        throw Failure(status_failed_report,
                      "process " + *target +
                          " belongs to no run of yours that goes on; flockstat ps lists them");
    }
    return files;
}

} // namespace flockstat::cli
