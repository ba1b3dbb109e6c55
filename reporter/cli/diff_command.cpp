#include "reporter/analyze/analysis.h"
#include "reporter/analyze/difference.h"
#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/output.h"
#include "reporter/cli/run_files.h"
#include "reporter/cli/terminal.h"
#include "reporter/write/difference_json.h"
#include "reporter/write/difference_text.h"

#include <cstdint>
#include <deque>
#include <map>
#include <unistd.h>

namespace flockstat::cli {
namespace {

/// A report for each run of the directories.
std::vector<reporter::Report> read_set(const std::vector<std::string> &directories,
                                       const std::vector<std::string> &patterns,
                                       reporter::Symbolizer *symbolizer) {
    std::vector<reporter::Report> reports;
    // The parts of a run on several hosts are one run.
    std::map<std::uint64_t, std::size_t> numbers;
    std::deque<reporter::Analysis> runs;
    read_runs(directories, [&](reporter::Run run) {
        forget_files(&run, patterns);
        const auto [number, added] = numbers.try_emplace(run.run_id, runs.size());
        if (added || run.run_id == 0) {
            number->second = runs.size();
            runs.emplace_back(reporter::Timeline::left_out);
        }
        runs[number->second].add(run);
    });
    for (reporter::Analysis &run : runs) {
        reports.push_back(run.report(symbolizer));
        if (!reports.back().run.complete) {
            say("the run in " + reports.back().run.directory + " goes on: what is there now is compared");
        }
    }
    return reports;
}

} // namespace

int diff(const DiffOptions &options) {
    try {
        reporter::Symbolizer symbolizer;
        const auto before = read_set(options.before, options.patterns, &symbolizer);
        const auto after = read_set(options.after, options.patterns, &symbolizer);
        const reporter::Difference difference = reporter::difference(before, after);
        reporter::TextOptions text = options.text;
        fit_terminal(STDOUT_FILENO, &text);
        write_stdout(options.json ? difference_json(difference) : difference_text(difference, text),
                     status_failed_report);
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
