// The command line: what is ours, what is COMMAND's, and what is said of a wrong one.
#include "reporter/cli/failure.h"
#include "reporter/cli/options.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flockstat::cli;
using Words = std::vector<std::string>;

namespace {

RunOptions run_options(const Words &words) {
    Words all = {"run"};
    all.insert(all.end(), words.begin(), words.end());
    const Invocation invocation = read_command_line(all);
    if (const auto *answered = std::get_if<Answered>(&invocation)) {
        FAIL(answered->err);
    }
    return std::get<RunOptions>(invocation);
}

ReportOptions report_options(const Words &words) {
    Words all = {"report"};
    all.insert(all.end(), words.begin(), words.end());
    const Invocation invocation = read_command_line(all);
    if (const auto *answered = std::get_if<Answered>(&invocation)) {
        FAIL(answered->err);
    }
    return std::get<ReportOptions>(invocation);
}

/// A wrong command line: one line on stderr that names `thing`.
void check_refused(const Words &words, int status, const std::string &thing) {
    const Invocation invocation = read_command_line(words);
    const auto *answered = std::get_if<Answered>(&invocation);
    REQUIRE(answered != nullptr);
    INFO(answered->err);
    CHECK(answered->status == status);
    CHECK(answered->out.empty());
    CHECK(answered->err.starts_with("flockstat: "));
    CHECK(answered->err.find(thing) != std::string::npos);
    CHECK(std::count(answered->err.begin(), answered->err.end(), '\n') == 1);
}

} // namespace

TEST_CASE("options of run end at the command") {
    CHECK(run_options({"make"}).command == Words{"make"});
    const RunOptions plain = run_options({"-o", "d", "make", "-o", "x", "--quiet", "--", "-j"});
    CHECK(plain.directory == "d");
    CHECK_FALSE(plain.quiet);
    CHECK(plain.command == Words{"make", "-o", "x", "--quiet", "--", "-j"});
    CHECK(run_options({"--output=d", "make"}).directory == "d");
    CHECK(run_options({"-od", "make"}).directory == "d");
    CHECK(run_options({"--", "-odd-name", "-x"}).command == Words{"-odd-name", "-x"});
    CHECK(run_options({"-q", "--", "--", "x"}).command == Words{"--", "x"});
    CHECK(run_options({"-", "x"}).command == Words{"-", "x"});
}

TEST_CASE("all options of run are read") {
    const RunOptions options =
        run_options({"--add", "--no-stacks", "--no-probe", "--all-users", "--quiet", "--status", "--html",
                     "--include", "*.lock", "--include=/var/*", "--exclude", "/tmp/*", "--arena", "8", "x"});
    CHECK(options.add);
    CHECK(options.no_stacks);
    CHECK(options.no_probe);
    CHECK(options.all_users);
    CHECK(options.quiet);
    CHECK(options.status);
    CHECK(options.html);
    CHECK(options.include == Words{"*.lock", "/var/*"});
    CHECK(options.exclude == Words{"/tmp/*"});
    CHECK(options.arena_mib == 8);
    const RunOptions none = run_options({"x"});
    CHECK_FALSE(none.add);
    CHECK_FALSE(none.directory.has_value());
    CHECK_FALSE(none.arena_mib.has_value());
}

TEST_CASE("wrong lines of run are refused with 125") {
    check_refused({"run"}, status_failed_run, "command");
    check_refused({"run", "--"}, status_failed_run, "command");
    check_refused({"run", "--bogus", "x"}, status_failed_run, "--bogus");
    check_refused({"run", "-o"}, status_failed_run, "-o");
    check_refused({"run", "--arena", "many", "x"}, status_failed_run, "many");
    check_refused({"run", "--arena", "0", "x"}, status_failed_run, "0");
    check_refused({"run", "--quiet=maybe", "x"}, status_failed_run, "quiet");
}

TEST_CASE("options of report are read") {
    const ReportOptions none = report_options({});
    CHECK(none.directories.empty());
    CHECK(none.format == Format::text);
    CHECK(none.text.top == flockstat::reporter::TextOptions{}.top);
    const ReportOptions all =
        report_options({"a", "-f", "json", "b", "-O", "file", "--top", "3", "--sort", "max-wait", "c"});
    CHECK(all.directories == Words{"a", "b", "c"});
    CHECK(all.format == Format::json);
    CHECK(all.output == "file");
    CHECK(all.text.top == 3);
    CHECK(all.text.sort == flockstat::reporter::SortKey::max_wait);
    for (const auto &key : flockstat::reporter::sort_keys) {
        CHECK(report_options({"--sort", std::string(key.name)}).text.sort == key.key);
    }
}

TEST_CASE("formats of report are read") {
    CHECK(report_options({"-f", "csv"}).format == Format::csv);
    CHECK(report_options({"-f", "csv", "--table", "blame"}).table == flockstat::reporter::CsvTable::blame);
    CHECK(report_options({"-f", "folded", "--weight", "hold"}).weight == flockstat::reporter::SiteTime::hold);
    CHECK(report_options({"--format=pprof"}).format == Format::pprof);
    CHECK(report_options({"-f", "perfetto"}).format == Format::perfetto);
    check_refused({"report", "-f", "csv", "--table", "stocks"}, status_usage, "stocks");
    check_refused({"report", "--weight", "heavy"}, status_usage, "heavy");
}

TEST_CASE("wrong lines of report and of flockstat are refused with 2") {
    check_refused({"report", "--bogus"}, status_usage, "--bogus");
    check_refused({"report", "-f", "yaml"}, status_usage, "yaml");
    check_refused({"report", "--sort", "colour"}, status_usage, "colour");
    check_refused({"report", "--top", "few"}, status_usage, "few");
    check_refused({"report", "--top", "0"}, status_usage, "0");
    check_refused({}, status_usage, "run");
    check_refused({"bogus"}, status_usage, "bogus");
    check_refused({"--bogus"}, status_usage, "--bogus");
}

TEST_CASE("rules of check follow --max") {
    const Invocation invocation =
        read_command_line({"check", "a", "b", "--max", "abandoned=0", "/x:enter.p99=1ms"});
    const auto *options = std::get_if<CheckOptions>(&invocation);
    REQUIRE(options != nullptr);
    CHECK(options->directories == Words{"a", "b"});
    REQUIRE(options->rules.size() == 2);
    CHECK(options->rules[1].pattern == "/x");
    check_refused({"check", "a"}, status_usage, "--max");
    check_refused({"check", "--max", "abandoned=0"}, status_usage, "DIR");
    check_refused({"check", "a", "--max", "abandoned"}, status_usage, "'abandoned'");
}

TEST_CASE("help and version are answers on stdout") {
    for (const Words &words :
         {Words{"--help"}, Words{"run", "--help"}, Words{"report", "-h"}, Words{"--version"}}) {
        const Invocation invocation = read_command_line(words);
        const auto *answered = std::get_if<Answered>(&invocation);
        REQUIRE(answered != nullptr);
        CHECK(answered->status == 0);
        CHECK(answered->err.empty());
        CHECK(answered->out.find("flockstat") != std::string::npos);
    }
    // --help behind the command is the command's.
    CHECK(run_options({"make", "--help"}).command == Words{"make", "--help"});
}
