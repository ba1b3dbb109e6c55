#include <algorithm>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What flockstat writes as JSON is what the schema that it comes with says, as Python's jsonschema reads
// that.

namespace {

/// What is wrong with these objects, a line each, beginning with its number.
std::string objections(const std::vector<json> &objects) {
    std::string lines;
    for (const json &object : objects)
        lines += object.dump() + "\n";
    const Outcome outcome =
        run_command({.argv = {"python3", "-B", program_source("check_schema.py"),
                              program_source("../../reporter/write/flockstat.schema.json")},
                     .input = lines});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return outcome.out;
}

json object_of(const std::vector<std::string> &arguments) {
    const Outcome outcome = run_flockstat(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out);
}

/// Three processes that wait for one another.
RecordedRun convoy(const TempDirectory &base, const std::string &name, const std::string &family,
                   const std::vector<std::string> &options = {}) {
    return flockstat_run({.argv = {program("convoy"), family, base / "l"}}, base / name, options);
}

} // namespace

TEST_CASE("reports of all kinds of runs fit the schema", "[schema]") {
    const TempDirectory base;
    const RecordedRun waits = convoy(base, "waits", "flock", {"--window", "100ms"});
    CHECK(waits.report["blame"].size() > 1);
    CHECK(waits.report["windows"].size() > 2);
    const RecordedRun abandoned = flockstat_run(
        shell("flock l sh -c 'flock -n l true; flock -w 0.1 l true; true'", base.path()), base / "abandoned");
    CHECK(abandoned.report["locks"][0]["abandoned"] >= 1);
    const RecordedRun python = flockstat_run(
        {.argv = {"/usr/bin/python3", program_source("two_filelocks.py"), base / "a", base / "b"}},
        base / "python");
    CHECK(python.report["findings"].size() == 1);
    const RecordedRun no_stacks = convoy(base, "bare", "posix", {"--no-stacks", "--no-probe"});
    const RecordedRun counters =
        flockstat_run({.argv = {program("wait_counters"), "names"}}, base / "counters");
    const RecordedRun unattributed =
        flockstat_run({.argv = {program("bad_calls"), base / "bad"}}, base / "unattributed");
    REQUIRE(run_command(under_flockstat({.argv = {program("many"), "files", base / "many", "2500"}},
                                        base / "lost", {"--arena", "1"}))
                .status == 0);
    const json lost = object_of({"report", base / "lost", "-f", "json"});
    CHECK(sum_of(lost["lost"], {"locks", "calls"}) > 0);
    const RecordedRun preloaded =
        preload_run({.argv = {program("convoy"), "ofd", base / "l"}}, base / "preloaded");
    const json merged = object_of({"report", base / "waits", base / "python", base / "bare", "-f", "json"});
    std::vector<json> reports = {lost, merged};
    for (const RecordedRun &run : {waits, abandoned, python, no_stacks, counters, unattributed, preloaded}) {
        CHECK(run.report.is_object());
        reports.push_back(run.report);
        reports.push_back(run.summary);
    }
    CHECK(objections(reports) == "");
}

TEST_CASE("reports of damaged recordings fit the schema", "[schema]") {
    const TempDirectory base;
    REQUIRE(convoy(base, "run", "flock", {"--window", "100ms"}).outcome.status == 0);
    const std::filesystem::path file = base / "run" / "run.flk";
    const std::string good = read_file(file);
    unsigned state = 4711; // always the same damage
    std::vector<json> reports;
    for (int round = 0; round < 20; ++round) {
        std::string changed = good;
        for (int i = 0; i < 100; ++i) {
            state = state * 1664525U + 1013904223U;
            // Behind the header, or nothing of it is read; and where something is.
            changed[4096 + (state >> 4) % (1U << 17U)] = static_cast<char>(state >> 24);
        }
        write_file(file, changed);
        const Outcome outcome = run_flockstat({"report", base / "run", "-f", "json"});
        if (outcome.status == 0)
            reports.push_back(json::parse(outcome.out));
    }
    CHECK(reports.size() >= 10);
    CHECK(objections(reports) == "");
}

TEST_CASE("what ps and diff write fits the schema", "[schema]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process ring(under_flockstat({.argv = {program("ring"), "3", path}}, base / "ring"));
    REQUIRE(ring.read_line().rfind("ring", 0) == 0);
    const json live = object_of({"ps", base / "ring", "--json"});
    CHECK(live["runs"][0]["held"].size() == 3);
    const json running = object_of({"report", base / "ring", "-f", "json"});
    CHECK(running["locks"][0]["held_by"].size() == 1);
    ring.send("end");
    CHECK(ring.wait().status == 0);

    REQUIRE(convoy(base, "before", "flock").outcome.status == 0);
    REQUIRE(convoy(base, "after", "posix").outcome.status == 0);
    REQUIRE(
        run_command(under_flockstat({.argv = {program("convoy"), "flock", path}}, base / "before", {"--add"}))
            .status == 0);
    const json one = object_of({"diff", base / "before", base / "after", "--json"});
    REQUIRE(
        run_command(under_flockstat({.argv = {program("convoy"), "flock", path}}, base / "after", {"--add"}))
            .status == 0);
    const json several = object_of({"diff", base / "before", base / "after", "--json"});
    CHECK(several["run"]["wait_ns"]["low"].is_number_integer());
    CHECK(objections({live, running, one, several}) == "");
}

TEST_CASE("the schema is installed", "[schema][install]") {
    const TempDirectory base;
    const std::filesystem::path schema = program_source("../../reporter/write/flockstat.schema.json");
    const std::filesystem::path top = std::filesystem::canonical(program_source("../.."));
    const Outcome installed = run_command({.argv = {"make", "-C", top.string(), "install",
                                                    "DESTDIR=" + (base / "root").string(), "PREFIX=/opt"}});
    INFO(installed.out << installed.err);
    REQUIRE(installed.status == 0);
    CHECK(read_file(base / "root/opt/share/flockstat/flockstat.schema.json") == read_file(schema));
}

TEST_CASE("the schema takes nothing else", "[schema]") {
    const TempDirectory base;
    const json good = convoy(base, "run", "flock", {"--window", "100ms"}).report;
    struct Change {
        const char *place;
        json value; ///< null: the key is taken away
    };
    const std::vector<Change> changes = {{"/schema", "flockstat.report/2"},
                                         {"/more", 1},
                                         {"/lost", nullptr},
                                         {"/run/started", "yesterday"},
                                         {"/run/clock", "sundial"},
                                         {"/run/duration_ns", -1},
                                         {"/run/duration_ns", 1.5},
                                         {"/locks/0/more", 1},
                                         {"/locks/0/fairness", nullptr},
                                         {"/locks/0/family", "mutex"},
                                         {"/locks/0/device", "sda1"},
                                         {"/locks/0/errors", {{"trouble", 1}}},
                                         {"/locks/0/enter/p50_ns", nullptr},
                                         {"/locks/0/enter/p75_ns", 1},
                                         {"/sites/0/frames/0/language", "cobol"},
                                         {"/sites/0/lock", -1},
                                         {"/processes/0/ended", "gone"},
                                         {"/processes/0/enter/p50_ns", 1},
                                         {"/processes/0/status", "0"},
                                         {"/blame/0/holder", "nobody"},
                                         {"/windows/0/locks/0/filelock.wait", {{"count", 0}}},
                                         {"/counters/filelock.enter", nullptr},
                                         {"/concurrency/filelock.enter/more", 1}};
    std::vector<json> changed;
    for (const Change &change : changes) {
        const json::json_pointer place(change.place);
        changed.push_back(good);
        if (change.value.is_null())
            changed.back().at(place.parent_pointer()).erase(place.back());
        else
            changed.back()[place] = change.value;
    }
    const std::string text = "\n" + objections(changed);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(changes[i].place << " " << changes[i].value << text);
        CHECK(text.find("\n" + std::to_string(i + 1) + ": ") != std::string::npos);
    }
    CHECK(objections({good}) == "");
}
