#include "reporter/analyze/merged_stacks.h"
#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/live_runs.h"
#include "reporter/cli/output.h"
#include "reporter/cli/terminal.h"
#include "reporter/write/live_json.h"
#include "reporter/write/live_text.h"

#include <set>
#include <unistd.h>

namespace flockstat::cli {
namespace {

/// The frames of the stacks that are shown, by their number in the run; the others stay empty.
std::vector<std::vector<reporter::SourceFrame>> sites_of(const reporter::Run &run,
                                                         const reporter::LiveLocks &locks) {
    std::set<std::uint32_t> wanted;
    for (const reporter::HeldLock &held : locks.held) {
        wanted.insert(held.stack);
    }
    for (const reporter::WantedLock &lock : locks.wanted) {
        wanted.insert(lock.stack);
    }
    const reporter::MergedStacks stacks(std::span(&run, 1));
    reporter::Symbolizer symbolizer;
    std::vector<std::vector<reporter::SourceFrame>> sites(run.stacks.size());
    for (const std::uint32_t stack : wanted) {
        if (stack < sites.size()) {
            sites[stack] = stacks.frames(stacks.id(0, stack), &symbolizer);
        }
    }
    return sites;
}

/// Those of the files that are runs which go on. One that was named must be readable; one that was found may
/// have ended meanwhile, or be another version's.
std::vector<reporter::LiveRun> read_live(const std::vector<std::filesystem::path> &files, bool named) {
    std::vector<reporter::LiveRun> runs;
    for (const std::filesystem::path &file : files) {
        try {
            reporter::Run run = reporter::read_run(file);
            if (!run.live()) {
                continue;
            }
            reporter::LiveLocks locks = live_locks(run);
            auto sites = sites_of(run, locks);
            runs.push_back({std::move(run), std::move(locks), std::move(sites)});
        } catch (const reporter::ReadError &error) {
            if (named) {
                throw Failure(status_failed_report, error.what());
            }
        }
    }
    return runs;
}

std::string text_of(const std::vector<reporter::LiveRun> &runs) {
    reporter::TextOptions options;
    fit_terminal(STDOUT_FILENO, &options);
    std::string text;
    for (const reporter::LiveRun &live : runs) {
        text += text.empty() ? "" : "\n";
        text += live_text(live.run, live.locks, live.sites, options);
    }
    return text.empty() ? "No run goes on.\n" : text;
}

} // namespace

int ps(const PsOptions &options) {
    try {
        const std::vector<reporter::LiveRun> runs =
            read_live(live_run_files(options.target), options.target.has_value());
        write_stdout(options.json ? live_json(runs) : text_of(runs), status_failed_report);
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_report, error.what());
    }
    return 0;
}

} // namespace flockstat::cli
