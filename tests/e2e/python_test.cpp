// Python frames, against what Python itself tells of them just before it locks.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/support/e2e.h"
#include "tests/support/pythons.h"

using namespace flockstat::test;
using nlohmann::json;

namespace {

/// Each site's Python frames are a stack that was told for its lock, and each stack that was told is a
/// site's.
void check_against_told(const json &report, std::map<std::string, json> told) {
    std::set<std::pair<std::string, std::string>> missing;
    for (const auto &[path, stacks] : told) {
        for (const json &stack : stacks) {
            missing.emplace(path, stack.dump());
        }
    }
    CHECK(missing.size() >= told.size());
    for (const json &site : report["sites"]) {
        const std::string path = report["locks"][site["lock"].get<std::size_t>()]["path"];
        const json frames = python_frames(site);
        INFO(path << "\nours:  " << frames.dump() << "\nPython's: " << told[path].dump());
        REQUIRE(std::find(told[path].begin(), told[path].end(), frames) != told[path].end());
        missing.erase({path, frames.dump()});
    }
    CHECK(missing.empty());
}

} // namespace

TEST_CASE("Python frames are those of Python's own traceback", "[python]") {
    for (const std::string &interpreter : interpreters()) {
        for (const char *seed : {"1", "2"}) {
            INFO(interpreter << ", seed " << seed);
            const TempDirectory base;
            const RecordedRun run = flockstat_run(
                {.argv = {interpreter, program_source("python_paths.py"), base.path(), seed}}, base / "run");
            INFO(run.outcome.err);
            REQUIRE(run.outcome.status == 0);
            const std::map<std::string, json> told = told_stacks(run.outcome.out);
            CHECK(told.size() == 400);
            CHECK(run.report["lost"]["stacks"] == 0);
            check_against_told(run.report, told);
        }
    }
}

TEST_CASE("what a Python function called natively stands before it, what called it after it", "[python]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {"/usr/bin/python3", "-c",
                                "import sqlite3, sys\n"
                                "def save(path):\n"
                                "    sqlite3.connect(path).execute('create table t (a)')\n"
                                "sorted([sys.argv[1]], key=save)\n",
                                base / "db"}},
                      base / "run");
    REQUIRE(run.outcome.status == 0);
    unsigned sites = 0;
    for (const json &site : run.report["sites"]) {
        std::string order;
        for (const json &frame : site["frames"]) {
            const std::string module = frame["module"];
            order += frame["language"] == "python" ? frame["function"].get<std::string>() + " "
                     : module.find("libsqlite3") != std::string::npos ? "s"
                     : module.find("/python3") != std::string::npos   ? "p"
                                                                      : "";
        }
        INFO(order);
        // sqlite3, the interpreter's plumbing, save, list.sort, the module, and what runs it.
        CHECK(order.starts_with("s"));
        CHECK(order.find("save p") != std::string::npos);
        CHECK(order.find("p<module> p") != std::string::npos);
        ++sites;
    }
    CHECK(sites > 0);
}

TEST_CASE("a bare preload's own summary names Python functions", "[python]") {
    const TempDirectory base;
    const RecordedRun run = preload_run({.argv = {"/usr/bin/python3", "-c",
                                                  "import fcntl, sys\n"
                                                  "def take(file):\n"
                                                  "    fcntl.flock(file, fcntl.LOCK_EX)\n"
                                                  "take(open(sys.argv[1], 'w'))\n",
                                                  base / "l"}},
                                        base / "run");
    REQUIRE(run.outcome.status == 0);
    REQUIRE(run.summary["sites"].size() == 1);
    CHECK(python_frames(run.summary["sites"][0]) ==
          json{{"<string>", 3, "take"}, {"<string>", 4, "<module>"}});
    CHECK(read_file(base / "run" / "summary.txt").find("<string>:3 take\n") != std::string::npos);
}

TEST_CASE("no name is shown for another function whose code was in its place", "[python]") {
    const char *seconds = std::getenv("TEST_CHURN_SECONDS");
    for (const std::string &interpreter : interpreters()) {
        const TempDirectory base;
        const Command churn{.argv = {interpreter, program_source("python_churn.py"), base.path(),
                                     seconds == nullptr ? "3" : seconds},
                            .limit = std::chrono::seconds(600)};
        const Outcome outcome = run_command(under_flockstat(churn, base / "run"));
        INFO(interpreter << outcome.err);
        REQUIRE(outcome.status == 0);
        const json report = read_report(base / "run");
        std::map<std::string, json> must_be;
        std::istringstream lines(outcome.out);
        for (std::string line; std::getline(lines, line);) {
            const json told = json::parse(line);
            must_be[told["path"]] = told["frame"];
        }
        CHECK(must_be.size() > 20);
        CHECK(report["lost"]["stacks"] == 0);
        for (const json &lock :
             report["locks"]) { // each under its own file's name, however numbers are reused
            CHECK(lock["granted"] == lock["released"]["unlock"]);
            CHECK(lock["granted"].get<int>() % 2 == 0);
        }
        for (const json &site : report["sites"]) {
            const std::string path = report["locks"][site["lock"].get<std::size_t>()]["path"];
            const json frames = python_frames(site);
            INFO(path << " must have " << must_be[path].dump() << ": " << frames.dump());
            // The second frame: what called lock(), and the third is no other one of the kind.
            REQUIRE(frames.size() > 2);
            REQUIRE(frames[1] == must_be[path]);
        }
    }
}
