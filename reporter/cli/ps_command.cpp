#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/live_runs.h"
#include "reporter/cli/live_views.h"
#include "reporter/cli/output.h"
#include "reporter/cli/terminal.h"
#include "reporter/write/live_json.h"
#include "reporter/write/live_text.h"

#include <unistd.h>

namespace flockstat::cli {
namespace {

std::vector<reporter::LiveRun> live_views(const PsOptions &options) {
    std::vector<reporter::LiveRun> views;
    for (reporter::Run &run : read_live(live_run_files(options.target), options.target.has_value(), false)) {
        reporter::LiveLocks locks = live_locks(run);
        reporter::Symbolizer symbolizer({}, reporter::Detail::program_lines);
        auto sites = sites_of(run, locks, symbolizer);
        auto outside = outside_holders(run, locks);
        views.push_back({std::move(run), std::move(locks), std::move(sites), std::move(outside)});
    }
    return views;
}

void write_text(const std::vector<reporter::LiveRun> &runs, const reporter::TextSink &sink) {
    reporter::TextOptions options;
    fit_terminal(STDOUT_FILENO, &options);
    for (const reporter::LiveRun &live : runs) {
        sink(&live == &runs.front() ? "" : "\n");
        write_live_text(live, options, sink);
    }
    if (runs.empty()) {
        sink("No run goes on.\n");
    }
}

} // namespace

int ps(const PsOptions &options) {
    try {
        const std::vector<reporter::LiveRun> runs = live_views(options);
        write_stdout([&](const reporter::TextSink &sink) {
            options.json ? write_live_json(runs, sink) : write_text(runs, sink);
        });
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
