#include "reporter/analyze/analysis.h"
#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/output.h"
#include "reporter/cli/run_files.h"
#include "reporter/cli/terminal.h"
#include "reporter/write/check_text.h"
#include "reporter/write/printable.h"

namespace flockstat::cli {
namespace {

/// What makes a check less than it seems.
void tell_doubts(const reporter::Report &report, const std::vector<reporter::Rule> &rules) {
    const record::Lost &lost = report.lost;
    if (lost.calls != 0 || lost.locks != 0 || lost.processes != 0) {
        say("the recording was too small to hold everything: what is missing was not checked; give the run "
            "more "
            "room with --arena");
    }
    if (!report.run.complete) {
        say("the run goes on: only what is there now was checked");
    }
    for (const reporter::Rule &rule : rules) {
        if (!reporter::concerns_a_lock(rule, report)) {
            say("no lock in the report matches " + reporter::printable(rule.text, false));
        }
    }
}

} // namespace

int check(const CheckOptions &options) {
    reporter::Report report;
    try {
        reporter::Analysis analysis(reporter::Timeline::left_out);
        read_runs(options.directories, [&](const reporter::Run &run) { analysis.add(run); });
        report = analysis.report(nullptr);
    } catch (const reporter::ReadError &error) {
        throw Failure(status_failed_run, error.what());
    }
    tell_doubts(report, options.rules);
    const auto broken = reporter::broken_rules(report, options.rules);
    write_stdout(check_text(report, options.rules, broken), status_failed_run);
    return broken.empty() ? 0 : status_rules_broken;
}

} // namespace flockstat::cli
