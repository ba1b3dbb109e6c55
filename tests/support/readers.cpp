#include "tests/support/readers.h"

#include "tests/support/command.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <regex>
#include <sstream>

namespace flockstat::test {
namespace {

std::string output_of(const Command &command) {
    const Outcome outcome = run_command(command);
    INFO(command.argv.front() << ": " << outcome.err);
    INFO(command.input);
    REQUIRE(outcome.status == 0);
    return outcome.out;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

/// What XML writes for characters of its own.
std::string without_entities(std::string text) {
    for (const auto &[entity, character] : std::initializer_list<std::pair<const char *, const char *>>{
             {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}) {
        text = std::regex_replace(text, std::regex(entity), character);
    }
    return text;
}

std::uint64_t without_commas(std::string number) {
    number.erase(std::remove(number.begin(), number.end(), ','), number.end());
    return std::stoull(number);
}

} // namespace

std::vector<std::map<std::string, std::string>> read_csv(const std::string &text) {
    std::vector<std::map<std::string, std::string>> rows;
    const std::string out =
        output_of({.argv = {"python3", "-B", program_source("read_csv.py")}, .input = text});
    for (const std::string &line : lines_of(out))
        rows.push_back(nlohmann::json::parse(line));
    return rows;
}

std::map<std::string, std::uint64_t> read_folded(const std::string &text) {
    const std::string out = output_of({.argv = {"perl", "/usr/share/perl5/Devel/NYTProf/flamegraph.pl",
                                                "--minwidth=0", "--countname=ns", "--hash"},
                                       .input = text});
    std::map<std::string, std::uint64_t> values;
    static const std::regex title(R"(<title>(.*) \(([0-9,]+) ns, [0-9.]+%\)</title>.*)");
    for (const std::string &line : lines_of(out)) {
        std::smatch parts;
        if (std::regex_search(line, parts, title))
            values[without_entities(parts[1])] += without_commas(parts[2]);
    }
    return values;
}

std::string pprof(const std::filesystem::path &profile, const std::vector<std::string> &options) {
    const TempDirectory home;
    Command command{.argv = {"go", "tool", "pprof", "-symbolize=none"},
                    .environment = {{"HOME", home.path().string()},
                                    {"PPROF_TMPDIR", home.path().string()},
                                    {"GOENV", "off"},
                                    {"GOFLAGS", ""},
                                    {"TZ", "UTC"}}};
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    command.argv.push_back(profile);
    return output_of(command);
}

std::map<std::string, ProfileValues> pprof_top(const std::filesystem::path &profile,
                                               const std::string &sample_type) {
    const std::string text = pprof(profile, {"-top", "-nodefraction=0", "-nodecount=100000", "-unit=ns",
                                             "-sample_index=" + sample_type});
    std::map<std::string, ProfileValues> values;
    static const std::regex row(
        R"( *([0-9]+)(?:ns)? +[0-9.]+% +[0-9.]+% +([0-9]+)(?:ns)? +[0-9.]+% +(.*?)(?: \((?:partial-)?inline\))?)");
    for (const std::string &line : lines_of(text)) {
        std::smatch parts;
        const std::string padded = std::regex_replace(line, std::regex(" 0% "), " 0.0% ");
        if (std::regex_match(padded, parts, row))
            values[parts[3]] = {std::stoull(parts[1]), std::stoull(parts[2])};
    }
    return values;
}

} // namespace flockstat::test
