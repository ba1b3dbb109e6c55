#include <algorithm>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Handlers that fail while the run goes on, and names that are hard to write down.

namespace {

std::string line_with(const std::string &text, const std::string &what) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.find(what) != std::string::npos)
            return line;
    return {};
}

std::size_t count_of(const std::string &text, const std::string &what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at)
        ++count;
    return count;
}

} // namespace

TEST_CASE("a plug-in that throws keeps neither the run nor another handler from its end",
          "[monitor][handlers]") {
    const std::string when = GENERATE("handle", "other", "close");
    INFO(when);
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run(shell("flock l true; touch ended", base.path()), base / "run",
                      {"--handler", "plugin=" + program("libthrowing.so").string() + "," + when, "--handler",
                       "json=" + (base / "e.jsonl").string()});
    INFO(run.outcome.err);
    CHECK(run.outcome.status == 0);
    CHECK(std::filesystem::exists(base / "ended"));
    CHECK(lock_of(run.summary, base / "l", "flock")["enter"]["count"] == 1);
    CHECK(count_of(read_file(base / "e.jsonl"), "flockstat.Window") == 1);
    CHECK(count_of(run.outcome.err, "\n") == (when == "close" ? 0 : 1));
    if (when != "close")
        CHECK(run.outcome.err.find("libthrowing.so threw when it was given flockstat.") != std::string::npos);
}

TEST_CASE("a plug-in that throws as it starts is named before anything is started", "[monitor][handlers]") {
    const TempDirectory base;
    const std::vector<std::string> options = {"--handler",
                                              "plugin=" + program("libthrowing.so").string() + ",init"};
    const Outcome outcome =
        run_command(under_flockstat(shell("touch started", base.path()), base / "run", options));
    CHECK(outcome.status == 125);
    CHECK(outcome.err.find("libthrowing.so threw when it was started: thrown on purpose\n") !=
          std::string::npos);
    CHECK_FALSE(std::filesystem::exists(base / "started"));
    CHECK_FALSE(std::filesystem::exists(base / "run"));
}

TEST_CASE("a pipe that nobody reads any more does not end the run", "[monitor][handlers]") {
    const TempDirectory base;
    REQUIRE(run_command(shell("mkfifo pipe", base.path())).status == 0);
    // The reader leaves before the command's first event; the command itself finds SIGPIPE as it was.
    const std::string script = "while [ ! -e left ]; do sleep 0.02; done; flock l true; touch ended; "
                               "sh -c 'kill -PIPE $$'; [ $? = 141 ]";
    Process reader(shell("exec 3<pipe; echo reads; exec 3<&-; touch left", base.path()));
    const RecordedRun run = flockstat_run(shell(script, base.path()), base / "run",
                                          {"--handler", "json=" + (base / "pipe").string()});
    INFO(run.outcome.err);
    CHECK(run.outcome.status == 0);
    CHECK(std::filesystem::exists(base / "ended"));
    CHECK(lock_of(run.summary, base / "l", "flock")["enter"]["count"] == 1);
    CHECK(run.outcome.err.find("Broken pipe") != std::string::npos);
    CHECK(reader.wait().status == 0);
}

TEST_CASE("wait counters with awkward names reach every handler, each by itself", "[monitor][handlers]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("wait_counters"), "names"}}, base / "run",
                                          {"--handler", "openmetrics=" + (base / "m.prom").string(),
                                           "--handler", "tensorboard=" + (base / "tb").string(), "--handler",
                                           "json=" + (base / "e.jsonl").string()});
    REQUIRE(run.outcome.status == 0);
    const Outcome checked = run_command(shell("promtool check metrics <m.prom", base.path()));
    INFO(checked.out << checked.err);
    CHECK(checked.status == 0);
    const std::string metrics = read_file(base / "m.prom");
    INFO(metrics);
    CHECK(metrics.find("\nflockstat_my_key_seconds_count{counter=\"my.key\"} 1\n") != std::string::npos);
    CHECK(metrics.find("\nflockstat_my_key_seconds_count{counter=\"my_key\"} 1\n") != std::string::npos);
    CHECK(count_of(metrics, "_seconds_count{") == 9);
    const Outcome read =
        run_command({.argv = {"/usr/bin/python3", program_source("read_tfevents.py"), base / "tb"}});
    INFO(read.out << read.err);
    CHECK(read.status == 0);
    CHECK(json::parse(read.out)["scalars"].size() == 27);
    CHECK(count_of(read_file(base / "e.jsonl"), "flockstat.Stat") == 9);
    // None of them is a lock's, also not the one that is named like the locks' own.
    std::istringstream row(line_with(read_file(base / "run" / "summary.txt"), "  +"));
    std::string from;
    std::string duration;
    std::string unit;
    std::string acquired;
    row >> from >> unit >> duration >> unit >> acquired;
    CHECK(acquired == "0");
}
