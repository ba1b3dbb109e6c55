#include "reporter/cli/compare_options.h"

#include "reporter/cli/failure.h"
#include "reporter/cli/option_help.h"
#include "reporter/write/printable.h"

namespace flockstat::cli {
namespace {

constexpr char check_footer[] =
    "A rule is [PATTERN:]QUANTITY=LIMIT: in no lock, or in none whose path matches PATTERN ('*' matches\n"
    "anything), may QUANTITY be greater than LIMIT.\n"
    "  times   enter, region (held), exit, wait, overshoot with .sum .mean .min .max .p50 .p90 .p99;\n"
    "          10ms, 1.5s, 250us\n"
    "  counts  the same with .count; attempts, granted, refused, interrupted, deadlocked, failed, tests,\n"
    "          unlocks, acquisitions, contended, polled, abandoned\n"
    "  shares  contended, polled (of the acquisitions), granted, refused, interrupted, deadlocked,\n"
    "          failed (of the attempts): 5%\n"
    "Examples:\n"
    "  flockstat check DIR --max enter.p99=10ms contended=5% abandoned=0\n"
    "  flockstat check DIR --max '/srv/*.db:wait.max=1s'\n\n"
    "The exit status is 0 if all rules are kept; 1 if one is broken, with a line for each lock that breaks\n"
    "it; 2 if the command line is wrong; 125 if flockstat itself failed (there is no run to read).";

constexpr char diff_footer[] =
    "Runs of one directory are repeats: figures are those of a mean run, and with two runs or more on both\n"
    "sides each change has a 95 % interval (bootstrap). Locks are matched by path and family, sites by the\n"
    "functions on the stack.\n"
    "Examples:\n"
    "  flockstat diff before after\n"
    "  flockstat diff old-1 old-2 old-3 --vs new-1 new-2 new-3\n"
    "  flockstat diff before after --match '/tmp/job.*/cache.lock'\n\n"
    "The exit status is 0, 1 if there is no run to read, 2 if the command line is wrong.";

} // namespace

Invocation read_check(const std::vector<std::string> &arguments) {
    CLI::App app("Check that the locks of runs keep to limits", "flockstat check");
    CheckOptions options;
    std::vector<std::string> texts;
    app.add_option("DIR", options.directories, "Directories of runs, checked as one")
        ->type_name("")
        ->required();
    app.add_option("--max", texts, "Rules")->type_name("RULE")->required();
    app.footer(check_footer);
    set_usage(&app, "flockstat check DIR... --max RULE...");
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    for (const std::string &text : texts) {
        const auto parsed = reporter::parse_rule(text);
        if (const auto *wrong = std::get_if<std::string>(&parsed)) {
            return Answered{status_usage,
                            {},
                            "flockstat: " + reporter::printable(*wrong, true) +
                                "; see flockstat check --help\n"};
        }
        options.rules.push_back(std::get<reporter::Rule>(parsed));
    }
    return options;
}

Invocation read_diff(const std::vector<std::string> &arguments) {
    CLI::App app("Show what changed between runs: waits, holds, and where", "flockstat diff");
    DiffOptions options;
    app.add_option("DIR", options.before,
                   "Directories of runs: one before and one after, or all those before")
        ->type_name("")
        ->required();
    app.add_option("--vs", options.after, "Directories of the runs after, where there are several")
        ->type_name("DIR...");
    app.add_option("--match", options.patterns,
                   "Locks whose paths match are one lock, whatever the rest of the path is (repeatable)")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    app.add_flag("--json", options.json, "One JSON object instead of text");
    add_top_option(&app, &options.text);
    app.footer(diff_footer);
    set_usage(&app, "flockstat diff BEFORE AFTER\n       flockstat diff BEFORE... --vs AFTER...");
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    if (options.after.empty() && options.before.size() == 2) {
        options.after.push_back(options.before.back());
        options.before.pop_back();
    }
    if (options.after.empty()) {
        return Answered{status_usage,
                        {},
                        "flockstat: name two directories to compare, or several --vs several; see flockstat "
                        "diff --help\n"};
    }
    return options;
}

} // namespace flockstat::cli
