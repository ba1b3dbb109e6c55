/// The command line.
#pragma once

#include "reporter/analyze/process_groups.h"
#include "reporter/analyze/rules.h"
#include "reporter/write/csv.h"
#include "reporter/write/folded.h"
#include "reporter/write/live_top.h"
#include "reporter/write/text.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flockstat::cli {

inline constexpr char flockstat_version[] = "0.1.0";

/// flockstat run
struct RunOptions {
    std::optional<std::string> directory;
    bool add = false;
    bool no_stacks = false;
    bool no_probe = false;
    bool all_users = false;
    bool quiet = false;
    bool status = false;
    bool html = false;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::optional<std::uint64_t> arena_mib;
    std::optional<std::chrono::milliseconds> window;
    std::vector<std::string> handlers; ///< as event_outputs.h takes them
    std::vector<std::string> command;  ///< never empty
};

enum class Format { text, html, json, csv, folded, pprof, perfetto, openmetrics };

/// flockstat report
struct ReportOptions {
    std::vector<std::string> directories;
    Format format = Format::text;
    reporter::CsvTable table = reporter::CsvTable::locks; ///< csv
    reporter::SiteTime weight = reporter::SiteTime::wait; ///< folded
    std::vector<reporter::ProcessKey> by;                 ///< empty: not grouped
    std::optional<std::string> output;
    reporter::TextOptions text; ///< `top` and `sort` are set here, the rest is the terminal's
};

/// flockstat ps
struct PsOptions {
    std::optional<std::string> target; ///< a directory or a pid; all runs that go on if it is not there
    bool json = false;
};

/// flockstat top
struct TopOptions {
    std::optional<std::string> target; ///< a directory or a pid; all runs that go on if it is not there
    std::chrono::milliseconds interval{1000};
    reporter::RateKey key = reporter::RateKey::waited;
};

/// flockstat check
struct CheckOptions {
    std::vector<std::string> directories; ///< never empty
    std::vector<reporter::Rule> rules;    ///< never empty
};

/// flockstat diff
struct DiffOptions {
    std::vector<std::string> before; ///< directories; never empty
    std::vector<std::string> after;  ///< never empty
    std::vector<std::string> patterns;
    bool json = false;
    reporter::TextOptions text; ///< `top` is set here, the rest is the terminal's
};

/// The command line asked for nothing but text (--help, --version), or was wrong.
struct Answered {
    int status = 0;
    std::string out; ///< for stdout
    std::string err; ///< for stderr
};

using Invocation =
    std::variant<RunOptions, ReportOptions, PsOptions, TopOptions, CheckOptions, DiffOptions, Answered>;

/// Reads the command line. Options of `run` end at COMMAND, whose own options are not looked at. Never throws
/// on bad input: that is Answered, with status_failed_run for `run` and status_usage for the rest.
[[nodiscard]] Invocation read_command_line(const std::vector<std::string> &arguments);

} // namespace flockstat::cli
