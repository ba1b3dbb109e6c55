#include <algorithm>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

namespace {

// Where a program's source says that something is: the first line that holds the text.
int line_of(const std::string &file, const std::string &text) {
    std::istringstream lines(read_file(program_source(file)));
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.find(text) != std::string::npos)
            return number;
    }
    return 0;
}

// The sites of the one lock of that family.
std::vector<json> sites_of(const json &report, const std::string &family) {
    std::vector<json> sites;
    for (const json &site : report["sites"]) {
        if (report["locks"][site["lock"].get<std::size_t>()]["family"] == family)
            sites.push_back(site);
    }
    return sites;
}

// The index of the first frame whose function has `name` in it; frames.size() when there is none.
std::size_t frame_with(const json &frames, const std::string &name) {
    const auto found = std::find_if(frames.begin(), frames.end(), [&](const json &frame) {
        return frame["function"].is_string() &&
               frame["function"].get<std::string>().find(name) != std::string::npos;
    });
    return static_cast<std::size_t>(found - frames.begin());
}

void check_frame(const json &frames, std::size_t index, const std::string &name, int line) {
    INFO(name);
    REQUIRE(index < frames.size());
    CHECK(frames[index]["function"].get<std::string>().find(name) != std::string::npos);
    CHECK(frames[index]["file"].get<std::string>().ends_with("tests/programs/known_sites.cpp"));
    CHECK(frames[index]["line"] == line);
}

json run_program(const TempDirectory &base, const std::string &name,
                 const std::vector<std::string> &options = {}) {
    const RecordedRun run = flockstat_run({.argv = {program(name), base / "l"}}, base / "run", options);
    REQUIRE(run.outcome.status == 0);
    return run.report;
}

} // namespace

TEST_CASE("frames have function, file and line, from the call outwards", "[sites]") {
    const TempDirectory base;
    const json report = run_program(base, "known_sites");
    const std::vector<json> sites = sites_of(report, "flock");
    REQUIRE(sites.size() == 1);
    const json &frames = sites[0]["frames"];
    INFO(frames.dump(1));
    CHECK(sites[0]["acquisitions"] == 1);
    const std::size_t first = frame_with(frames, "reserve");
    check_frame(frames, first, "warehouse::Shelf::reserve(", line_of("known_sites.cpp", "// the flock call"));
    check_frame(frames, first + 1, "warehouse::take_stock(",
                line_of("known_sites.cpp", "// the call of reserve"));
    check_frame(frames, first + 2, "main", line_of("known_sites.cpp", "take_stock(shelf) =="));
    // Nothing of ours stands in the way: the innermost frame is the program's, or libc's.
    for (const json &frame : frames)
        CHECK(frame["module"].get<std::string>().find("libflockstat") == std::string::npos);
}

TEST_CASE("template names are demangled, and the line is that of the call", "[sites]") {
    const TempDirectory base;
    const json report = run_program(base, "known_sites");
    const std::vector<json> sites = sites_of(report, "posix");
    REQUIRE(sites.size() == 1);
    const json &frames = sites[0]["frames"];
    INFO(frames.dump(1));
    check_frame(frames, frame_with(frames, "count_parts"), "warehouse::Shelf::count_parts<long>(",
                line_of("known_sites.cpp", "// the fcntl call"));
}

TEST_CASE("a stripped program's frames are module and offset", "[sites]") {
    const TempDirectory base;
    const json report = run_program(base, "stripped_site");
    const std::vector<json> sites = sites_of(report, "flock");
    REQUIRE(sites.size() == 1);
    const json &frames = sites[0]["frames"];
    INFO(frames.dump(1));
    REQUIRE_FALSE(frames.empty());
    CHECK(frames[0]["module"].get<std::string>().ends_with("stripped_site"));
    CHECK(frames[0]["offset"].get<std::int64_t>() > 0);
    CHECK((frames[0]["line"].is_null() || frames[0]["line"] == 0));
}

TEST_CASE("a bare preload's own summary has module and offset", "[sites]") {
    const TempDirectory base;
    const RecordedRun run = preload_run({.argv = {program("known_sites"), base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const std::vector<json> sites = sites_of(run.summary, "flock");
    REQUIRE(sites.size() == 1);
    REQUIRE_FALSE(sites[0]["frames"].empty());
    CHECK(sites[0]["frames"][0]["module"].get<std::string>().ends_with("known_sites"));
    CHECK(sites[0]["frames"][0]["offset"].get<std::int64_t>() > 0);
}

TEST_CASE("--no-stacks records no frame, and counts the same", "[sites]") {
    const TempDirectory base;
    const json report = run_program(base, "known_sites", {"--no-stacks"});
    CHECK(lock_of(report, base / "l", "flock")["granted"] == 1);
    for (const json &site : report["sites"])
        CHECK(site["frames"].size() <= 1);
}

TEST_CASE("stacks through a library name the program and the library", "[sites]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {"sqlite3", base / "db", "create table t (a)"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    bool library = false;
    bool program = false;
    for (const json &site : sites_of(run.report, "posix")) {
        for (const json &frame : site["frames"]) {
            library = library || frame["module"].get<std::string>().find("libsqlite3") != std::string::npos;
            program = program || frame["module"].get<std::string>().ends_with("/sqlite3");
        }
    }
    CHECK(library);
    CHECK(program);
}
