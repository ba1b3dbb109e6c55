#include "reporter/cli/run_files.h"

#include "reporter/cli/progress.h"
#include "reporter/summary/out_file.h"
#include "reporter/write/html.h"
#include "reporter/write/json.h"
#include "reporter/write/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace flockstat::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char *, 2> summary_names = {"summary.txt", "summary.json"};
constexpr char html_name[] = "summary.html"; ///< only where somebody asked for it

[[noreturn]] void fail(const fs::path &file, int error) {
    throw std::system_error(error, std::generic_category(), file.string());
}

/// When the file was last written; 0 where it is not there.
std::int64_t written_at_ns(const fs::path &file) {
    struct stat facts {};
    if (lstat(file.c_str(), &facts) != 0) {
        return 0;
    }
    return std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec;
}

/// Is this the path of the run's arena, as the shim and the command name arenas?
bool is_arena_of(const record::RunIdentity &identity, const fs::path &target) {
    std::array<char, record::max_path_bytes + 32> path;
    if (identity.arena_directory.empty() || identity.arena_directory.size() >= record::max_path_bytes) {
        return false;
    }
    record::write_arena_path(identity, path.data());
    return target == fs::path(path.data());
}

/// Writes all of `text`, aside first.
void write_file(const fs::path &directory, const char *name, const std::string &text) {
    std::vector<char> room(64U << 10U);
    summary::OutFile out(directory.native(), name, room);
    out.put(text);
    if (const int error = out.finish(); error != 0) {
        fail(directory / name, error);
    }
}

} // namespace

void write_summaries(const reporter::Report &report, const fs::path &directory, bool html) {
    write_file(directory, summary_names[0], to_text(report, reporter::TextOptions{}));
    write_file(directory, summary_names[1], to_json(report));
    std::error_code none;
    if (html || fs::exists(directory / html_name, none)) {
        write_file(directory, html_name, to_html(report));
    }
}

void keep_finished_run(const fs::path &file, const reporter::Run &run) {
    std::error_code none;
    const fs::path target = fs::read_symlink(file, none);
    const std::string arena_directory = target.parent_path().string();
    const record::RunIdentity identity = {
        .run_id = run.run_id, .arena_directory = arena_directory, .directory = arena_directory};
    if (target.empty() || may_go_on(run) || !is_arena_of(identity, target)) {
        return;
    }
    record::Mapping arena;
    if (const int error = record::open_arena(identity, &arena); error != 0) {
        fail(target, error);
    }
    std::vector<char> room(summary::least_file_room);
    const int error = summary::copy_arena(arena, file.parent_path().string(), file.filename().string(), room);
    munmap(arena.base, arena.bytes);
    if (error != 0) {
        fail(file, error);
    }
    unlink(target.c_str());
}

bool summaries_up_to_date(const fs::path &directory, const std::vector<fs::path> &files) {
    std::int64_t latest = 0;
    for (const fs::path &file : files) {
        std::error_code none;
        if (fs::is_symlink(file, none)) {
            return false;
        }
        latest = std::max(latest, written_at_ns(file));
    }
    return std::ranges::all_of(summary_names,
                               [&](const char *name) { return written_at_ns(directory / name) > latest; });
}

namespace {

/// It became another program that has not come to life yet, or cannot be watched.
bool is_between_images(const reporter::Run &run, const reporter::Process &process) {
    return process.ending == reporter::Ending::execed &&
           std::ranges::none_of(run.processes,
                                [&](const reporter::Process &other) {
                                    return other.pid == process.pid &&
                                           other.attached_at_ns >= process.ended_at_ns;
                                }) &&
           (kill(process.pid, 0) == 0 || errno == EPERM);
}

} // namespace

bool may_go_on(const reporter::Run &run) {
    // The command may not have come to life yet, or be one that cannot be watched, and start others that can.
    const bool first_is_unseen = std::ranges::none_of(
        run.processes, [&](const reporter::Process &process) { return process.pid == run.first_pid; });
    if (!run.ended && first_is_unseen &&
        (run.first_pid <= 0 || kill(run.first_pid, 0) == 0 || errno == EPERM)) {
        return true;
    }
    return std::ranges::any_of(run.processes, [&](const reporter::Process &process) {
        return process.ending == reporter::Ending::running || process.ending == reporter::Ending::unknown ||
               is_between_images(run, process);
    });
}

std::vector<reporter::Run> read_runs(const std::vector<std::string> &directories) {
    Progress progress("reading");
    std::vector<reporter::Run> runs;
    std::set<fs::path> seen;
    for (const std::string &directory : directories) {
        if (!seen.insert(fs::weakly_canonical(directory)).second) {
            continue;
        }
        for (const fs::path &file : reporter::run_files(directory)) {
            progress.show("reading " + file.string());
            runs.push_back(reporter::read_run(file));
        }
    }
    return runs;
}

reporter::Report read_report(const std::vector<fs::path> &files, std::vector<reporter::Run> *runs) {
    Progress progress("reading");
    for (const fs::path &file : files) {
        progress.show("reading " + file.string());
        runs->push_back(reporter::read_run(file));
    }
    progress.show("summing up");
    reporter::Symbolizer symbolizer([&](std::size_t done, std::size_t total) {
        progress.show("looking up code: " + std::to_string(done) + " of " + std::to_string(total) +
                      " places");
    });
    return analyze(*runs, &symbolizer);
}

} // namespace flockstat::cli
