// Formats of other tools: names of any bytes, and what has no name.
#include "reporter/write/csv.h"
#include "reporter/write/folded.h"
#include "reporter/write/pprof.h"
#include "tests/support/places.h"
#include "tests/support/readers.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flockstat::reporter;
using namespace flockstat::test;

namespace {

constexpr char nasty[] = "/d/a \"b\",'c';\n<&\x1b[31m\xff\xc3\xa9\t";
constexpr char shown[] = "/d/a \"b\",'c';\\n<&\\x1b[31m\\xff\xc3\xa9\\t";

std::string with_escaped_semicolon(std::string text) { return text.replace(text.find(';'), 1, "\\x3b"); }

Stat stat_of(std::uint64_t count, std::uint64_t sum_ns) {
    return {count, sum_ns, sum_ns / count, 1, sum_ns, 2, 3, 4, 5};
}

/// One lock of that path, with a site of these frames, innermost first.
Report example(const std::string &path, std::vector<SourceFrame> frames) {
    Report report;
    report.locks.resize(1);
    report.locks[0].path = path;
    report.locks[0].family = Family::ofd;
    report.sites.resize(1);
    report.sites[0].frames = std::move(frames);
    report.sites[0].wait = stat_of(2, 3'000);
    report.sites[0].region = stat_of(4, 5'000);
    report.blame.push_back({0, 0, std::nullopt, 2, 3'000});
    return report;
}

SourceFrame function(const std::string &name, bool inlined = false) {
    SourceFrame frame;
    frame.function = name;
    frame.file = "a.c";
    frame.line = 7;
    frame.module = "/bin/a";
    frame.offset = name.size();
    frame.inlined = inlined;
    return frame;
}

std::filesystem::path write_profile(const TempDirectory &base, const Report &report) {
    write_file(base / "p", to_pprof(report));
    return base / "p";
}

} // namespace

TEST_CASE("csv keeps names of any bytes in their cells", "[formats]") {
    Report report = example(nasty, {function(nasty)});
    report.processes.resize(1);
    report.processes[0].command = {"sh", "-c", nasty};
    report.processes[0].executable = nasty;
    CHECK(read_csv(to_csv(report, CsvTable::locks)).at(0).at("path") == shown);
    const auto site = read_csv(to_csv(report, CsvTable::sites)).at(0);
    CHECK(site.at("path") == shown);
    CHECK(site.at("function") == shown);
    CHECK(site.at("stack") == with_escaped_semicolon(shown));
    CHECK(site.at("family") == "ofd");
    const auto process = read_csv(to_csv(report, CsvTable::processes)).at(0);
    CHECK(process.at("command") == "sh -c " + std::string(shown));
    CHECK(process.at("exe") == shown);
    const auto blame = read_csv(to_csv(report, CsvTable::blame)).at(0);
    CHECK(blame.at("waiter_stack") == with_escaped_semicolon(shown));
    CHECK(blame.at("holder").empty());
    CHECK(blame.at("wait_ns") == "3000");
}

TEST_CASE("csv has a line a row, and its heading without rows", "[formats]") {
    for (const CsvTableName &table : csv_tables) {
        INFO(table.name);
        CHECK(read_csv(to_csv(Report{}, table.table)).empty());
        const std::string heading = to_csv(Report{}, table.table);
        CHECK(std::count(heading.begin(), heading.end(), '\n') == 1);
    }
    const std::string text = to_csv(example(nasty, {function(nasty)}), CsvTable::sites);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("csv holds no cell that a spreadsheet takes for a formula", "[formats]") {
    for (const std::string start : {"=", "+", "-", "@"}) {
        Report report = example(start + "1", {function(start + "cmd|' /C calc'!A0")});
        report.processes.resize(1);
        report.processes[0].command = {start + "x", "=y"};
        CHECK(read_csv(to_csv(report, CsvTable::locks)).at(0).at("path") == "'" + start + "1");
        CHECK(read_csv(to_csv(report, CsvTable::processes)).at(0).at("command") == "'" + start + "x =y");
        for (const CsvTableName &table : csv_tables) {
            for (const auto &row : read_csv(to_csv(report, table.table))) {
                for (const auto &[column, cell] : row) {
                    INFO(column << ": " << cell);
                    CHECK((cell.empty() || std::string("=+-@\t\r").find(cell.front()) == std::string::npos));
                }
            }
        }
    }
}

TEST_CASE("folded stacks keep their frames apart", "[formats]") {
    const Report report = example(nasty, {function(nasty), function("f(int; char)"), function("main")});
    const std::string text = to_folded(report, SiteTime::wait);
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(std::count(text.begin(), text.end(), ';') == 3);
    const auto frames = read_folded(text);
    CHECK(frames.at("main") == 3'000);
    CHECK(frames.at("f(int\\x3b char)") == 3'000);
    std::string drawn = with_escaped_semicolon(shown);
    std::replace(drawn.begin(), drawn.end(), '<', '('); // flamegraph.pl does so
    CHECK(frames.at(drawn) == 6'000);                   // the lock, and the function of that name
    CHECK(read_folded(to_folded(report, SiteTime::hold)).at("main") == 5'000);
}

TEST_CASE("equal folded stacks are one line, and sites without such time none", "[formats]") {
    Report report = example("/l", {function("f")});
    report.sites.push_back(report.sites[0]);
    std::vector<SourceFrame> frames = {function("f")};
    frames[0].line = 8;
    report.sites[1].frames = std::move(frames);
    report.sites[1].region = {};
    CHECK(to_folded(report, SiteTime::wait) == "/l;f 6000\n");
    CHECK(to_folded(report, SiteTime::hold) == "/l;f 5000\n");
    CHECK(to_folded(Report{}, SiteTime::wait).empty());
}

TEST_CASE("frames without a function are module and offset", "[formats]") {
    SourceFrame frame;
    frame.module = "/lib/libx.so.1";
    frame.offset = 0x1f40;
    SourceFrame just_in_time;
    just_in_time.offset = 0x7f00;
    const Report report = example("/l", {frame, just_in_time});
    CHECK(to_folded(report, SiteTime::wait) == "/l;0x7f00;libx.so.1+0x1f40 3000\n");
    CHECK(to_folded(example("/l", {}), SiteTime::wait) == "/l;(no stack) 3000\n");
    const TempDirectory base;
    const auto functions = pprof_top(write_profile(base, report), "wait");
    CHECK(functions.at("libx.so.1+0x1f40") == ProfileValues{3'000, 3'000});
    CHECK(functions.at("0x7f00") == ProfileValues{0, 3'000});
    CHECK(pprof_top(write_profile(base, example("/l", {})), "hold").at("(no stack)").flat == 5'000);
}

TEST_CASE("Python functions have their names and places in all formats", "[formats]") {
    const auto python = [](const char *name, const char *file, std::uint32_t line) {
        SourceFrame frame;
        frame.function = name;
        frame.file = file;
        frame.line = line;
        frame.language = "python";
        return frame;
    };
    const Report report = example("l", {python("Cache.load", "/p/t.py", 4), python("<module>", "/p/t.py", 12),
                                        python("<module>", "/usr/lib/python3/dist-packages/a/b.py", 3)});
    CHECK(to_folded(report, SiteTime::wait) ==
          "l;<module> (a/b.py:3);<module> (t.py:12);Cache.load (t.py:4) 3000\n");
    const auto rows = read_csv(to_csv(report, CsvTable::sites));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].at("function") == "Cache.load");
    CHECK(rows[0].at("file") == "/p/t.py");
    CHECK(rows[0].at("line") == "4");
    CHECK(rows[0].at("stack") == "<module> (a/b.py:3);<module> (t.py:12);Cache.load (t.py:4)");
    const TempDirectory base;
    const auto functions = pprof_top(write_profile(base, report), "wait");
    CHECK(functions.size() == 2);
    CHECK(functions.at("Cache.load") == ProfileValues{3'000, 3'000});
    CHECK(functions.at("<module>") == ProfileValues{0, 3'000});
}

TEST_CASE("profiles have names of any bytes", "[formats]") {
    const TempDirectory base;
    const Report report = example(nasty, {function(nasty), function("main")});
    const auto profile = write_profile(base, report);
    CHECK(pprof_top(profile, "wait").at(shown).flat == 3'000);
    CHECK(pprof_top(profile, "waits").at(shown).flat == 2);
    CHECK(pprof_top(profile, "holds").at("main").cumulative == 4);
    CHECK(pprof(profile, {"-tags"}).find(shown) != std::string::npos);
    CHECK(pprof(profile, {"-raw"}).find('\x1b') == std::string::npos);
}

TEST_CASE("profiles keep inlined functions in the frame that they stand in", "[formats]") {
    const TempDirectory base;
    const auto profile = write_profile(
        base, example("/l", {function("inner", true), function("middle", true), function("outer")}));
    const std::string raw = pprof(profile, {"-raw"});
    INFO(raw);
    const std::string locations = raw.substr(raw.find("Locations"));
    CHECK(locations.find("1: 0x5 M=1 inner a.c:7") != std::string::npos);
    CHECK(locations.find("2: ") > locations.find("Mappings"));
    CHECK(pprof_top(profile, "hold").at("outer") == ProfileValues{0, 5'000});
}

TEST_CASE("profiles tell processes apart as far as they are known", "[formats]") {
    const TempDirectory base;
    Report report = example("/l", {function("f")});
    report.processes.resize(2);
    report.processes[0].pid = 11;
    report.processes[0].executable = "/bin/one";
    report.processes[1].pid = 12;
    report.processes[1].command = {"two", "x"};
    report.sites[0].processes = {{0, 1, 1'000, 0, 0}, {1, 1, 2'000, 1, 1'500}};
    const auto profile = write_profile(base, report);
    CHECK(pprof_top(profile, "wait").at("f").flat == 3'000);
    CHECK(pprof_top(profile, "hold").at("f").flat == 5'000);
    const auto total = [&](const std::string &type, const std::string &tag) {
        return pprof(profile, {"-top", "-unit=ns", "-sample_index=" + type, "-tagfocus=" + tag});
    };
    CHECK(total("wait", "process=one").find("accounting for 1000ns") != std::string::npos);
    CHECK(total("wait", "process=two").find("accounting for 2000ns") != std::string::npos);
    CHECK(total("hold", "pid=12:12").find("accounting for 1500ns") != std::string::npos);
    CHECK(total("hold", "family=ofd").find("accounting for 5000ns") != std::string::npos);
}
