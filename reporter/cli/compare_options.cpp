#include "reporter/cli/compare_options.h"

#include "reporter/cli/failure.h"
#include "reporter/cli/option_help.h"

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
            return Answered{status_usage, {}, "flockstat: " + *wrong + "; see flockstat check --help\n"};
        }
        options.rules.push_back(std::get<reporter::Rule>(parsed));
    }
    return options;
}

} // namespace flockstat::cli
