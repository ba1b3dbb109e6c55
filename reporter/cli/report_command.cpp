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

#include <unistd.h>

namespace flockstat::cli {
namespace {

/// Writes the report in the format that was asked for.
void write_report(const reporter::Report &report, const ReportOptions &options,
                  const reporter::TextSink &sink) {
    switch (options.format) {
    case Format::json: write_json(report, sink); return;
    case Format::csv: write_csv(report, options.table, sink); return;
    case Format::folded: sink(to_folded(report, options.weight)); return;
    case Format::pprof: sink(to_pprof(report)); return;
    case Format::perfetto: write_trace_events(report, sink); return;
    case Format::openmetrics: write_metrics(report, sink); return;
    case Format::html: write_html(report, sink); return;
    case Format::text: break;
    }
    reporter::TextOptions text = options.text;
    if (!options.output) {
        fit_terminal(STDOUT_FILENO, &text);
    }
    sink(to_text(report, text));
}

/// A table of groups has to have groups.
std::vector<reporter::ProcessKey> wanted_keys(const ReportOptions &options) {
    const bool table = options.format == Format::csv && options.table == reporter::CsvTable::groups;
    return options.by.empty() && table ? std::vector{reporter::ProcessKey::host} : options.by;
}

} // namespace

int report(const ReportOptions &options) {
    if (options.format == Format::pprof && !options.output && isatty(STDOUT_FILENO) != 0) {
        throw Failure(status_failed_report, "a profile is no text for a terminal; name a file with -O");
    }
    const std::vector<std::string> directories =
        options.directories.empty() ? std::vector{newest_run_directory()} : options.directories;
    try {
        const bool timeline = options.format == Format::html || options.format == Format::perfetto;
        reporter::Report report = read_report(
            find_runs(directories), timeline ? reporter::Timeline::wanted : reporter::Timeline::left_out);
        if (const auto keys = wanted_keys(options); !keys.empty()) {
            report.groups_of_processes = group_processes(report, keys);
        }
        const auto write = [&](const reporter::TextSink &sink) { write_report(report, options, sink); };
        if (options.output) {
            write_output(*options.output, write);
        } else {
            write_stdout(write);
        }
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
