#include <algorithm>
#include <fmt/format.h>
#include <regex>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// The HTML report in Chromium, from disk, where a person's clicks and keys go through tests/browser/look.mjs.

namespace {

/// Writes the page of a run, which must be small.
std::filesystem::path write_page(const RecordedRun &run, const std::filesystem::path &file) {
    const Outcome outcome =
        run_flockstat({"report", run.directory.string(), "-f", "html", "-O", file.string()});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK(std::filesystem::file_size(file) < 2U << 20U);
    return file;
}

bool contains(const json &text, const std::string &part) {
    INFO(text);
    INFO(part);
    return text.get<std::string>().find(part) != std::string::npos;
}

/// What look.mjs saw of a page, which said nothing on its console and asked the network for nothing.
json look(const std::filesystem::path &page) {
    const std::filesystem::path driver = program_source("../browser/look.mjs");
    const Outcome outcome = run_command({.argv = {"node", driver.string(), page.string()}});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const json seen = json::parse(outcome.out);
    CHECK(seen["complaints"] == json::array());
    return seen;
}

/// Two locks that three processes each wait for.
RecordedRun two_convoys(const TempDirectory &base) {
    const std::string convoy = program("convoy").string();
    RecordedRun run =
        flockstat_run(shell(fmt::format("{0} flock one; {0} posix two", convoy), base.path()), base / "run");
    REQUIRE(run.outcome.status == 0);
    return run;
}

} // namespace

TEST_CASE("Chromium shows a report from disk", "[html]") {
    const TempDirectory base;
    const RecordedRun run = two_convoys(base);
    const json seen = look(write_page(run, base / "report.html"));
    const json &locks = run.report["locks"];
    const std::string first = locks[0]["path"];
    const std::string second = locks[1]["path"];

    CHECK(contains(seen["title"], "flockstat: /bin/sh -c "));
    CHECK(contains(seen["headline"], " of the waiting is for " + first + ", behind holds of "));
    CHECK(contains(seen["headline"], " at lock_file (tell.h:"));
    CHECK(seen["locks"] == json::array({first, second}));
    CHECK(seen["report"] == run.report);
    CHECK(seen["first_chosen"] == first);
    CHECK(seen["clicked"] == second);
    CHECK(seen["by_keyboard"] == first);
    CHECK(seen["escaped"] == "All 2 locks");
    CHECK(seen["light"] != seen["dark"]);
    const json &processes = run.report["processes"];
    CHECK(seen["processes"] == std::count_if(processes.begin(), processes.end(), [](const json &process) {
              return process["attempts"] != 0 || process["unlocks"] != 0;
          }));
    CHECK(seen["phone_overflow"] == 0);
}

TEST_CASE("the page's pictures answer to clicks, searches and keys", "[html]") {
    const TempDirectory base;
    const RecordedRun run = two_convoys(base);
    const json seen = look(write_page(run, base / "report.html"));

    // Waiters by lock_file() in both graphs: at least two of each lock.
    CHECK(contains(seen["found"], " in what was found"));
    CHECK(seen["found_frames"].get<int>() >= 4);
    CHECK(seen["flame_zoomed"] == true);
    CHECK(std::regex_search(seen["flame_clicked"].get<std::string>(), std::regex(R"(, [0-9.]+ m?s$)")));
    CHECK((seen["flame_lock"] == run.report["locks"][0]["path"] ||
           seen["flame_lock"] == run.report["locks"][1]["path"]));
    CHECK(seen["cells"].get<std::size_t>() == run.report["blame"].size());
    CHECK(contains(seen["cell"], " ms, 1 wait"));
    CHECK(contains(seen["cell"], "behind "));

    // The wait that began first is that of a process that is known, behind a hold of another.
    CHECK(contains(seen["wait"], "waited "));
    CHECK(contains(seen["wait"], " · behind "));
    CHECK(seen["painted"].get<int>() > 5);
}

TEST_CASE("a page with 100,000 bars is panned and zoomed without stutter", "[html]") {
    const TempDirectory base;
    const std::filesystem::path page = write_page(two_convoys(base), base / "report.html");
    const std::filesystem::path driver = program_source("../browser/many_bars.mjs");
    const Outcome outcome = run_command({.argv = {"node", driver.string(), page.string(), "100000"}});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const json seen = json::parse(outcome.out);
    CHECK(seen["complaints"] == json::array());
    std::vector<double> times_ms;
    for (const json &frame : seen["frames"]) {
        INFO(frame);
        times_ms.push_back(frame["time_ms"]);
        // Bars that share a pixel are one rectangle: without that there are 30,000 of them.
        CHECK(frame["rectangles"].get<int>() > 20);
        CHECK(frame["rectangles"].get<int>() < 12'000);
    }
    REQUIRE(times_ms.size() > 40);
    std::nth_element(times_ms.begin(), times_ms.begin() + 20, times_ms.end());
    CHECK(times_ms[20] < 100); // a few where nothing else runs
}

TEST_CASE("a page shows hostile names as text", "[html]") {
    const TempDirectory base;
    const std::string name = "</script><img src=x onerror=alert(1)>\"'&<!--\n\xff";
    std::filesystem::create_directory(base / "<");
    const RecordedRun run = flockstat_run({.argv = {program("convoy"), "flock", base / name}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json seen = look(write_page(run, base / "report.html"));
    CHECK(seen["images"] == 0);
    CHECK(seen["locks"] ==
          json::array({base.path().string() + "/</script><img src=x onerror=alert(1)>\"'&<!--\\n\\xff"}));
}

TEST_CASE("a page of a run that waited for nothing says so", "[html]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {"flock", base / "l", "true"}}, base / "run");
    const Outcome page = run_flockstat({"report", run.directory.string(), "-f", "html"});
    REQUIRE(page.status == 0);
    CHECK(page.out.find("<!doctype html>") == 0);
}

TEST_CASE("run --html leaves the page, and report keeps it up to date", "[html]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("convoy"), "flock", base / "l"}}, base / "run", {"--html"});
    REQUIRE(run.outcome.status == 0);
    const std::filesystem::path page = run.directory / "summary.html";
    const Outcome wanted = run_flockstat({"report", run.directory.string(), "-f", "html"});
    CHECK(read_file(page) == wanted.out);
    write_file(page, "old");
    std::filesystem::remove(run.directory / "summary.txt");
    CHECK(run_flockstat({"report", run.directory.string()}).status == 0);
    CHECK(read_file(page) == wanted.out);
}
