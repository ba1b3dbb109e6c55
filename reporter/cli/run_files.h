/// The files that a run leaves: its summary, and the copy of its arena.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/read/run.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace flockstat::cli {

/// Writes summary.txt and summary.json to `directory`, each complete or not at all, and summary.html where
/// that is wanted or there already. Throws std::system_error with the file's name.
void write_summaries(const reporter::Report &report, const std::filesystem::path &directory,
                     bool html = false);

/// What is left to know of a run that was read and summed up.
struct RunFacts {
    std::uint64_t run_id = 0;
    bool may_go_on = false; ///< see below
};

/// Where `file` is the link to the arena of a run that is over: replaces it by a copy of the arena, and
/// removes the arena. Anything else is left as it is. Throws std::system_error with the file's name where the
/// copy cannot be written; the arena stays then.
void keep_finished_run(const std::filesystem::path &file, const RunFacts &run);

/// Are summary.txt and summary.json there, made from just these files? A summary that was made at a run's
/// exit without its command is older than the run's file, and has no function names yet.
[[nodiscard]] bool summaries_up_to_date(const std::filesystem::path &directory,
                                        const std::vector<std::filesystem::path> &files);

/// May the run still go on? Where a process may be alive that cannot be looked at (another machine's, another
/// pid namespace's), its arena must stay, unless whoever ended the run saw that nobody was left.
[[nodiscard]] bool may_go_on(const reporter::Run &run);

/// A directory of runs, or a run's file, with its arena files.
struct RunDirectoryFiles {
    std::filesystem::path directory;
    std::vector<std::filesystem::path> files;
};

/// Finds the runs in the directories; a directory that is named twice counts once. Throws ReadError.
[[nodiscard]] std::vector<RunDirectoryFiles> find_runs(const std::vector<std::string> &directories);

/// Reads all runs in the directories one after the other, with progress on the terminal where that takes
/// long, and hands each on. Changes nothing in them. Throws ReadError.
void read_runs(const std::vector<std::string> &directories, const std::function<void(reporter::Run)> &take);

/// Reads and sums up runs, with progress on the terminal where that takes long. Throws ReadError.
[[nodiscard]] reporter::Report sum_up(const RunDirectoryFiles &runs, bool html);

/// The same. Each directory whose runs are over is
/// brought up to date: it gets the summaries of its own runs, and copies in place of the links to their
/// arenas. One that belongs to somebody else is left as it is. Throws ReadError.
[[nodiscard]] reporter::Report read_report(const std::vector<RunDirectoryFiles> &directories,
                                           reporter::Timeline timeline);

} // namespace flockstat::cli
