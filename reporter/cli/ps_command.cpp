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
        reporter::Symbolizer symbolizer;
        auto sites = sites_of(run, locks, symbolizer);
        auto outside = outside_holders(run, locks);
        views.push_back({std::move(run), std::move(locks), std::move(sites), std::move(outside)});
    }
    return views;
}

std::string text_of(const std::vector<reporter::LiveRun> &runs) {
    reporter::TextOptions options;
    fit_terminal(STDOUT_FILENO, &options);
    std::string text;
    for (const reporter::LiveRun &live : runs) {
        text += text.empty() ? "" : "\n";
        text += live_text(live.run, live.locks, live.sites, live.outside, options);
    }
    return text.empty() ? "No run goes on.\n" : text;
}

} // namespace

int ps(const PsOptions &options) {
    try {
        const std::vector<reporter::LiveRun> runs = live_views(options);
        write_stdout(options.json ? live_json(runs) : text_of(runs), status_failed_report);
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
