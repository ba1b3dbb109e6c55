#include "reporter/cli/options.h"

#include "reporter/cli/compare_options.h"
#include "reporter/cli/event_outputs.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/option_help.h"
#include "reporter/cli/window_watch.h"
#include "reporter/record/settings.h"

#include <algorithm>

namespace flockstat::cli {
namespace {

constexpr char run_footer[] =
    "The exit status is COMMAND's; 128+N if signal N ended it; 125 if flockstat itself failed,\n"
    "126 if COMMAND cannot be run, 127 if it is not found.\n\n"
    "Each option has a variable, which LD_PRELOAD=.../libflockstat.so without this command reads too:\n"
    "FLOCKSTAT_DIR, FLOCKSTAT_STACKS=off, FLOCKSTAT_PROBE=off, FLOCKSTAT_INCLUDE, FLOCKSTAT_EXCLUDE\n"
    "(globs separated by ':'), FLOCKSTAT_ARENA_MIB, FLOCKSTAT_ALL_USERS=on, FLOCKSTAT_QUIET=on.\n"
    "This command alone reads FLOCKSTAT_WINDOW and FLOCKSTAT_HANDLERS (separated by ';').\n\n"
    "Handlers receive what happens in each window, and each contended acquisition:\n"
    "  json=FILE              JSON Lines, one object an event\n"
    "  openmetrics=FILE       metrics for the textfile collector of Prometheus's node_exporter (*.prom)\n"
    "  tensorboard=DIR        scalars for TensorBoard\n"
    "  plugin=FILE[,ARGUMENT] a shared object of your own, see flockstat/monitor/plugin.h";

constexpr char main_footer[] =
    "Examples:\n"
    "  flockstat run make -j8            what file locks cost this build\n"
    "  flockstat run -o before ./server  ... into the directory 'before'\n"
    "  flockstat report before           show it again, or while it still runs\n"
    "  flockstat report -f json          the newest run here, for a program\n"
    "  flockstat ps                      who holds and who waits in runs that go on\n"
    "  flockstat top                     the same, and what locks cost, as it changes\n";

/// Why it is no length of a window; empty where it is one.
std::string window_fault(const std::string &text) {
    return parse_window(text) ? std::string()
                              : "'" + text + "' is no window: write " + std::string(window_form);
}

void add_run_options(CLI::App *app, RunOptions *options) {
    app->add_option("-o,--output", options->directory,
                    "Directory of the run (default: flockstat-COMMAND-PID here)")
        ->type_name("DIR");
    app->add_flag("--add", options->add, "Add this run to those that DIR holds already");
    app->add_flag("--status", options->status, "Keep a line on stderr that says how the run goes");
    app->add_flag("--html", options->html, "Write summary.html, too: the report as a page with pictures");
    app->add_flag("-q,--quiet", options->quiet, "Write the summary to the directory only");
    app->add_option("--include", options->include, "Watch only locks on paths that match (repeatable)")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    app->add_option("--exclude", options->exclude, "Do not watch locks on paths that match (repeatable)")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    app->add_flag("--no-stacks", options->no_stacks, "Do not record from which code locks are called");
    app->add_flag("--no-probe", options->no_probe,
                  "Make only the program's own calls; contention is then judged by time");
    app->add_option("--arena", options->arena_mib, "Room for what is recorded: 1 to 32768 (default: 64)")
        ->type_name("MIB")
        ->check(unlisted(CLI::Range(record::min_arena_mib, record::max_arena_mib)));
    app->add_option_function<std::string>(
           "--window", [options](const std::string &text) { options->window = parse_window(text); },
           "Sum up over windows of this length (10s, 500ms, 1m) while the run goes on")
        ->type_name("TIME")
        ->check(window_fault);
    app->add_option("--handler", options->handlers,
                    "Hand what happens to KIND=TARGET, see below (repeatable; windows of 10s if --window is "
                    "not given)")
        ->type_name("HANDLER")
        ->expected(1)
        ->take_all()
        ->check([](const std::string &text) {
            return is_handler_form(text)
                       ? std::string()
                       : "'" + text + "' is no handler: write " + std::string(handler_forms);
        });
    app->add_flag(
        "--all-users", options->all_users,
        "Let processes of other users join the run: anybody on this machine may then read and spoil it");
    app->footer(run_footer);
}

struct FormatName {
    Format format;
    const char *name;
    const char *meaning;
};
constexpr FormatName format_names[] = {
    {Format::text, "text", "for people (the default)"},
    {Format::html, "html", "for people, a page with pictures that needs no network"},
    {Format::json, "json", "everything, as one object"},
    {Format::csv, "csv", "one table, see --table"},
    {Format::folded, "folded", "stacks and nanoseconds, for flame graphs; see --weight"},
    {Format::pprof, "pprof", "profile.proto, gzip'd: go tool pprof, Pyroscope, Parca"},
    {Format::perfetto, "perfetto", "single waits and holds over time: ui.perfetto.dev, chrome://tracing"},
    {Format::openmetrics, "openmetrics", "metrics for Prometheus's textfile collector or a push gateway"},
};

/// -f and what belongs to single formats.
void add_format_options(CLI::App *app, ReportOptions *options) {
    std::vector<std::string> formats;
    for (const FormatName &known : format_names) {
        formats.emplace_back(known.name);
    }
    std::vector<std::string> tables;
    for (const reporter::CsvTableName &known : reporter::csv_tables) {
        tables.emplace_back(known.name);
    }
    app->add_option_function<std::string>(
           "-f,--format",
           [options](const std::string &name) {
               for (const FormatName &known : format_names) {
                   options->format = known.name == name ? known.format : options->format;
               }
           },
           "See below (default: text)")
        ->type_name("FORMAT")
        ->check(unlisted(CLI::IsMember(formats)));
    app->add_option_function<std::string>(
           "--table", [options](const std::string &name) { options->table = *reporter::csv_table(name); },
           "Table of csv: locks (the default), sites, processes, blame, or groups, see --by")
        ->type_name("TABLE")
        ->check(unlisted(CLI::IsMember(tables)));
    app->add_option_function<std::string>(
           "--weight",
           [options](const std::string &name) {
               options->weight = name == "hold" ? reporter::SiteTime::hold : reporter::SiteTime::wait;
           },
           "Time of folded: wait (the default) or hold")
        ->type_name("TIME")
        ->check(unlisted(CLI::IsMember({"wait", "hold"})));
}

std::string key_names() {
    std::string names;
    for (const reporter::ProcessKeyName &key : reporter::process_keys) {
        names.append(names.empty() ? "" : ", ").append(key.name);
    }
    return names;
}

void append_entry(std::string_view name, std::string_view meaning, std::string *list) {
    list->append("  ").append(name).append(15 - name.size(), ' ').append(meaning).append("\n");
}

void add_report_options(CLI::App *app, ReportOptions *options) {
    app->add_option("DIR", options->directories,
                    "Directories of runs, shown as one (default: the newest here)")
        ->type_name("");
    add_format_options(app, options);
    app->add_option("-O,--output", options->output, "Write to FILE instead of stdout")->type_name("FILE");
    app->add_option_function<std::string>(
           "--by", [options](const std::string &text) { options->by = *reporter::parse_process_keys(text); },
           "Sum up processes by KEY, or KEY,KEY,..., too, see below (text, json, csv)")
        ->type_name("KEY")
        ->check([](const std::string &text) {
            return reporter::parse_process_keys(text)
                       ? std::string()
                       : "'" + text + "' is no key: write one or several, separated by commas, of " +
                             key_names();
        });
    add_top_option(app, &options->text);
    std::vector<std::string> keys;
    std::string footer = "Formats:\n";
    for (const FormatName &known : format_names) {
        append_entry(known.name, known.meaning, &footer);
    }
    footer += "\nKeys of --sort, greatest first:\n";
    for (const reporter::SortKeyName &key : reporter::sort_keys) {
        keys.emplace_back(key.name);
        append_entry(key.name, key.meaning, &footer);
    }
    footer += "\nKeys of --by (a process has the first of these variables that is set):\n";
    for (const reporter::ProcessKeyName &key : reporter::process_keys) {
        append_entry(key.name, key.meaning, &footer);
    }
    app->add_option_function<std::string>(
           "--sort", [options](const std::string &name) { options->text.sort = *reporter::sort_key(name); },
           "What ranks the locks in text")
        ->type_name("KEY")
        ->check(unlisted(CLI::IsMember(keys)));
    app->footer(footer +
                "\nThe exit status is 0, 1 if there is no run to read, 2 if the command line is wrong.");
}

/// How many of the arguments are options of `run`: up to "--" or the first word that is neither an option nor
/// the value of one.
std::size_t count_run_options(const CLI::App &app, const std::vector<std::string> &arguments) {
    std::size_t at = 0;
    while (at < arguments.size()) {
        const std::string &word = arguments[at];
        if (word == "--" || word.size() < 2 || word.front() != '-') {
            break;
        }
        const bool is_long = word[1] == '-';
        const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
        const bool has_value = is_long ? word.find('=') != std::string::npos : word.size() > 2;
        const CLI::Option *option = app.get_option_no_throw(name);
        const bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
        at += takes_value && !has_value ? 2 : 1;
    }
    return std::min(at, arguments.size());
}

Invocation read_run(const std::vector<std::string> &arguments) {
    CLI::App app("Run COMMAND and report what file locks cost it and its descendants", "flockstat run");
    RunOptions options;
    add_run_options(&app, &options);
    set_usage(&app, "flockstat run [-o DIR] [OPTIONS] [--] COMMAND [ARG...]");
    const std::size_t own = count_run_options(app, arguments);
    const auto end = arguments.begin() + static_cast<std::ptrdiff_t>(own);
    try {
        app.parse(reversed({arguments.begin(), end}));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_failed_run);
    }
    options.command.assign(end, arguments.end());
    if (!options.command.empty() && options.command.front() == "--") {
        options.command.erase(options.command.begin());
    }
    if (options.command.empty()) {
        return Answered{
            status_failed_run, {}, "flockstat: name the command to run: flockstat run COMMAND [ARG...]\n"};
    }
    return options;
}

Invocation read_report(const std::vector<std::string> &arguments) {
    CLI::App app("Show what is in the directories of runs, live ones included", "flockstat report");
    ReportOptions options;
    add_report_options(&app, &options);
    set_usage(&app, "flockstat report [DIR...] [-f FORMAT] [-O FILE] [--top N] [--sort KEY] [--by KEY]");
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    return options;
}

Invocation read_ps(const std::vector<std::string> &arguments) {
    CLI::App app("Show who holds which lock right now, who waits, and behind whom", "flockstat ps");
    PsOptions options;
    app.add_option("DIR|PID", options.target,
                   "Directory of a run, or a process of it (default: all your runs that go on)")
        ->type_name("");
    app.add_flag("--json", options.json, "One JSON object instead of text");
    set_usage(&app, "flockstat ps [DIR|PID] [--json]");
    app.footer("The exit status is 0, 1 if what was named cannot be read, 2 if the command line is wrong.");
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    return options;
}

Invocation read_top(const std::vector<std::string> &arguments) {
    CLI::App app("Watch what locks cost while runs go on", "flockstat top");
    TopOptions options;
    app.add_option("DIR|PID", options.target,
                   "Directory of a run, or a process of it (default: all your runs that go on)")
        ->type_name("");
    app.add_option_function<std::string>(
           "-d,--delay", [&options](const std::string &text) { options.interval = *parse_window(text); },
           "Time from one reading to the next (default: 1s)")
        ->type_name("TIME")
        ->check(window_fault);
    set_usage(&app, "flockstat top [DIR|PID] [-d TIME]");
    app.footer(
        "Enter shows a lock's holders, waiters and code, q ends; the keys that sort are on the screen.\n"
        "The exit status is 0, 1 if what was named cannot be read, 2 if the command line is wrong.");
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    return options;
}

} // namespace

Invocation read_command_line(const std::vector<std::string> &arguments) {
    const std::string command = arguments.empty() ? "" : arguments.front();
    if (command == "run" || command == "report" || command == "ps") {
        const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
        return command == "run" ? read_run(rest) : command == "report" ? read_report(rest) : read_ps(rest);
    }
    if (command == "check" || command == "diff" || command == "top") {
        const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
        return command == "check" ? read_check(rest) : command == "diff" ? read_diff(rest) : read_top(rest);
    }
    if (!arguments.empty() && !arguments.front().starts_with("-")) {
        return Answered{status_usage,
                        {},
                        "flockstat: there is no command '" + arguments.front() +
                            "'; there are run, report, ps, top, diff and check, see flockstat --help\n"};
    }
    CLI::App app("Which file locks cost a program time, who makes whom wait, and from which code",
                 "flockstat");
    set_usage(&app, "flockstat run COMMAND [ARG...]\n       flockstat report [DIR...]\n"
                    "       flockstat ps [DIR|PID]\n       flockstat top [DIR|PID]\n"
                    "       flockstat diff BEFORE AFTER\n"
                    "       flockstat check DIR... --max RULE...");
    app.set_version_flag("--version", std::string("flockstat ") + flockstat_version);
    // Listed for the help only: their arguments are read above, because those of COMMAND are nobody's
    // business.
    app.add_subcommand("run", "Run a command and report what file locks cost it");
    app.add_subcommand("report", "Show a run again, or one that still runs");
    app.add_subcommand("ps", "Show who holds which lock right now, and who waits");
    app.add_subcommand("top", "Watch what locks cost while runs go on");
    app.add_subcommand("diff", "Show what changed between runs");
    app.add_subcommand("check", "Check that locks keep to limits");
    app.footer(main_footer);
    try {
        app.parse(reversed(arguments));
    } catch (const CLI::ParseError &error) {
        return answer(app, error, status_usage);
    }
    return Answered{
        status_usage,
        {},
        "flockstat: name what to do: run, report, ps, top, diff or check; see flockstat --help\n"};
}

} // namespace flockstat::cli
