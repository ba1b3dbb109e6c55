#include "reporter/cli/run_files.h"

#include "reporter/analyze/analysis.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/progress.h"
#include "reporter/cli/terminal.h"
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
    std::array<char, record::max_arena_path_bytes> path;
    if (identity.host.size() > record::max_host_bytes || identity.arena_directory.empty() ||
        identity.arena_directory.size() >= record::max_path_bytes) {
        return false;
    }
    record::write_arena_path(identity, path.data());
    return target == fs::path(path.data());
}

/// Writes all that `write` passes on, aside first.
void write_file(const fs::path &directory, const char *name,
                const std::function<void(const reporter::TextSink &)> &write) {
    std::vector<char> room(256U << 10U);
    summary::OutFile out(directory.native(), name, room);
    write([&](std::string_view piece) { out.put(piece); });
    if (const int error = out.finish(); error != 0) {
        fail(directory / name, error);
    }
}

} // namespace

void write_summaries(const reporter::Report &report, const fs::path &directory, bool html) {
    using reporter::TextSink;
    write_file(directory, summary_names[0],
               [&](const TextSink &sink) { sink(to_text(report, reporter::TextOptions{})); });
    write_file(directory, summary_names[1], [&](const TextSink &sink) { write_json(report, sink); });
    std::error_code none;
    if (html || fs::exists(directory / html_name, none)) {
        write_file(directory, html_name, [&](const TextSink &sink) { write_html(report, sink); });
    }
}

void keep_finished_run(const fs::path &file, const RunFacts &run) {
    std::error_code none;
    const fs::path target = fs::read_symlink(file, none);
    const std::string arena_directory = target.parent_path().string();
    const std::string name = target.filename().string();
    record::RunIdentity identity = {
        .run_id = run.run_id, .arena_directory = arena_directory, .directory = arena_directory};
    if (!record::read_arena_name(name, &identity.host) || run.may_go_on || !is_arena_of(identity, target)) {
        return;
    }
    record::Mapping arena;
    if (const int error = record::open_arena(identity, &arena, record::Recorder::any); error != 0) {
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
           (!run.of_this_boot || kill(process.pid, 0) == 0 || errno == EPERM);
}

} // namespace

bool may_go_on(const reporter::Run &run) {
    // The command may not have come to life yet, or be one that cannot be watched, and start others that can.
    const bool first_is_unseen = std::ranges::none_of(
        run.processes, [&](const reporter::Process &process) { return process.pid == run.first_pid; });
    if (!run.ended && first_is_unseen &&
        (run.first_pid <= 0 || !run.of_this_boot || kill(run.first_pid, 0) == 0 || errno == EPERM)) {
        return true;
    }
    return std::ranges::any_of(run.processes, [&](const reporter::Process &process) {
        return process.ending == reporter::Ending::running || process.ending == reporter::Ending::unknown ||
               is_between_images(run, process);
    });
}

std::vector<RunDirectoryFiles> find_runs(const std::vector<std::string> &directories) {
    std::vector<RunDirectoryFiles> found;
    std::set<fs::path> seen;
    for (const std::string &directory : directories) {
        if (seen.insert(fs::weakly_canonical(directory)).second) {
            found.push_back({directory, reporter::run_files(directory)});
        }
    }
    return found;
}

namespace {

std::size_t count_files(const std::vector<RunDirectoryFiles> &directories) {
    std::size_t count = 0;
    for (const RunDirectoryFiles &directory : directories) {
        count += directory.files.size();
    }
    return count;
}

/// Reads runs and shows how many are done.
class Reading {
public:
    Reading(Progress *progress, std::size_t total) : progress_(progress), total_(total) {}

    /// Calls take(run) for each run whose recording can be read from here, and elsewhere(host) for the
    /// others.
    template<typename Take, typename Elsewhere>
    void read(const std::vector<fs::path> &files, Take take, Elsewhere elsewhere) {
        for (const fs::path &file : files) {
            if (const auto host = reporter::host_elsewhere(file)) {
                ++done_;
                hosts_.insert(*host);
                elsewhere(*host);
            } else {
                any_ = true;
                take(read(file));
            }
        }
    }

    /// Throws ReadError where nothing was read.
    void check(const fs::path &directory) const {
        std::string names;
        for (const std::string &host : hosts_) {
            names += (names.empty() ? "" : ", ") + host;
        }
        if (!any_ && !names.empty()) {
            throw reporter::ReadError(directory,
                                      "its recordings lie on " + names +
                                          ", where the run goes on or was killed; wait for its end, or "
                                          "run flockstat report there");
        }
    }

private:
    [[nodiscard]] reporter::Run read(const fs::path &file) {
        progress_->show("reading " + file.string(), done_++, total_);
        return reporter::read_run(file);
    }

    Progress *progress_;
    std::size_t done_ = 0, total_;
    std::set<std::string> hosts_; ///< of recordings that lie elsewhere
    bool any_ = false;
};

reporter::Report finish_report(reporter::Analysis &analysis, Progress *progress) {
    progress->show("summing up");
    reporter::Symbolizer symbolizer(
        [progress](std::size_t done, std::size_t total) { progress->show("looking up code", done, total); });
    return analysis.report(&symbolizer);
}

/// Where all runs of a directory are over and something of it is not up to date.
bool wants_update(const RunDirectoryFiles &its, const std::vector<RunFacts> &runs) {
    return fs::is_directory(its.directory) && access(its.directory.c_str(), W_OK) == 0 &&
           std::ranges::none_of(runs, &RunFacts::may_go_on) &&
           !summaries_up_to_date(its.directory, its.files);
}

void update(const RunDirectoryFiles &its, const std::vector<RunFacts> &runs, const reporter::Report &report) {
    try {
        for (std::size_t i = 0; i < its.files.size(); ++i) {
            keep_finished_run(its.files[i], runs[i]);
        }
        write_summaries(report, its.directory);
    } catch (const std::system_error &error) {
        say(std::string("cannot bring the directory up to date: ") + error.what() +
            "; the report below is complete all the same");
    }
}

/// A summary that is there as HTML is written anew, with its timeline.
bool has_html(const RunDirectoryFiles &its) {
    std::error_code none;
    return fs::exists(its.directory / html_name, none);
}

} // namespace

reporter::Report sum_up(const RunDirectoryFiles &runs, bool html) {
    Progress progress("reading");
    Reading reading(&progress, runs.files.size());
    reporter::Analysis analysis(html || has_html(runs) ? reporter::Timeline::wanted
                                                       : reporter::Timeline::left_out);
    reading.read(
        runs.files, [&](const reporter::Run &run) { analysis.add(run); },
        [&](const std::string &host) { analysis.add_elsewhere(host); });
    reading.check(runs.directory);
    return finish_report(analysis, &progress);
}

void read_runs(const std::vector<std::string> &directories, const std::function<void(reporter::Run)> &take) {
    Progress progress("reading");
    const std::vector<RunDirectoryFiles> found = find_runs(directories);
    Reading reading(&progress, count_files(found));
    for (const RunDirectoryFiles &its : found) {
        reading.read(its.files, take, [&](const std::string &host) {
            say(its.directory.string() + ": what ran on " + host + " is left out: its recording lies there");
        });
        reading.check(its.directory);
    }
}

reporter::Report read_report(const std::vector<RunDirectoryFiles> &directories, reporter::Timeline timeline) {
    Progress progress("reading");
    Reading reading(&progress, count_files(directories));
    const bool with_timeline =
        timeline == reporter::Timeline::wanted || (directories.size() == 1 && has_html(directories.front()));
    reporter::Analysis analysis(with_timeline ? reporter::Timeline::wanted : reporter::Timeline::left_out);
    std::vector<RunFacts> runs;
    for (const RunDirectoryFiles &its : directories) {
        runs.clear();
        bool all_here = true;
        reading.read(
            its.files,
            [&](const reporter::Run &run) {
                runs.push_back({run.run_id, may_go_on(run)});
                analysis.add(run);
            },
            [&](const std::string &host) {
                all_here = false;
                analysis.add_elsewhere(host);
            });
        reading.check(its.directory);
        if (!all_here) {
            runs.assign(1, {0, true}); // the rest is brought up to date with it
        }
        if (directories.size() > 1 && wants_update(its, runs)) {
            update(its, runs, sum_up(its, false)); // its own, beside all together
        }
    }
    reporter::Report report = finish_report(analysis, &progress);
    if (directories.size() == 1 && wants_update(directories.front(), runs)) {
        update(directories.front(), runs, report);
    }
    return report;
}

} // namespace flockstat::cli
