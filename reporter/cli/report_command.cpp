#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/output.h"
#include "reporter/cli/run_directory.h"
#include "reporter/cli/run_files.h"
#include "reporter/cli/terminal.h"
#include "reporter/write/csv.h"
#include "reporter/write/folded.h"
#include "reporter/write/html.h"
#include "reporter/write/json.h"
#include "reporter/write/pprof.h"
#include "reporter/write/report_metrics.h"
#include "reporter/write/trace_events.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <unistd.h>

namespace flockstat::cli {
namespace {

namespace fs = std::filesystem;

/// Writes the summaries of a directory whose runs are over, and replaces the links to their arenas by copies.
/// A directory that belongs to somebody else is left as it is: showing it is what was asked for.
void bring_up_to_date(const fs::path &directory, const std::vector<fs::path> &files,
                      const std::vector<reporter::Run> &runs, const reporter::Report &report) {
    if (access(directory.c_str(), W_OK) != 0 || std::ranges::any_of(runs, may_go_on)) {
        return;
    }
    try {
        if (summaries_up_to_date(directory, files)) {
            return;
        }
        for (std::size_t i = 0; i < files.size(); ++i) {
            keep_finished_run(files[i], runs[i]);
        }
        write_summaries(report, directory);
    } catch (const std::system_error &error) {
        say(std::string("cannot bring the directory up to date: ") + error.what() +
            "; the report below is complete all the same");
    }
}

/// Reads all runs of all directories into one report. Each directory gets the summary of its own runs.
reporter::Report read_all(const std::vector<std::string> &directories) {
    std::vector<fs::path> all_files;
    std::vector<reporter::Run> all_runs;
    reporter::Report report;
    std::set<fs::path> seen; // a directory that is named twice counts once
    for (const std::string &directory : directories) {
        if (!seen.insert(fs::weakly_canonical(directory)).second) {
            continue;
        }
        const std::vector<fs::path> files = reporter::run_files(directory);
        std::vector<reporter::Run> runs;
        report = read_report(files, &runs);
        if (fs::is_directory(directory)) {
            bring_up_to_date(directory, files, runs, report);
        }
        all_files.insert(all_files.end(), files.begin(), files.end());
        std::move(runs.begin(), runs.end(), std::back_inserter(all_runs));
    }
    if (seen.size() > 1) {
        reporter::Symbolizer symbolizer;
        report = analyze(all_runs, &symbolizer);
    }
    return report;
}

/// The report in the format that was asked for.
std::string render(const reporter::Report &report, const ReportOptions &options) {
    switch (options.format) {
    case Format::json: return to_json(report);
    case Format::csv: return to_csv(report, options.table);
    case Format::folded: return to_folded(report, options.weight);
    case Format::pprof: return to_pprof(report);
    case Format::perfetto: return to_trace_events(report);
    case Format::openmetrics: return to_metrics(report);
    case Format::html: return to_html(report);
    case Format::text: break;
    }
    reporter::TextOptions text = options.text;
    if (!options.output) {
        fit_terminal(STDOUT_FILENO, &text);
    }
    return to_text(report, text);
}

} // namespace

int report(const ReportOptions &options) {
    if (options.format == Format::pprof && !options.output && isatty(STDOUT_FILENO) != 0) {
        throw Failure(status_failed_report, "a profile is no text for a terminal; name a file with -O");
    }
    const std::vector<std::string> directories =
        options.directories.empty() ? std::vector{newest_run_directory()} : options.directories;
    try {
        const std::string shown = render(read_all(directories), options);
        if (options.output) {
            write_output(*options.output, shown);
        } else {
            write_stdout(shown, status_failed_report);
        }
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
