#include <algorithm>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Windows and the handlers that receive them, read by programs of others: promtool, node_exporter, protoc.

namespace {

/// Three rounds of three processes that contend for l; the file's end is waited for between them.
constexpr char contend[] =
    "for round in 1 2 3; do for i in 1 2 3; do flock l sleep 0.03 & done; wait; sleep 0.25; done";

std::vector<json> lines_of(const std::filesystem::path &file) {
    std::istringstream text(read_file(file));
    std::vector<json> lines;
    for (std::string line; std::getline(text, line);)
        lines.push_back(json::parse(line));
    return lines;
}

std::vector<json> events_named(const std::vector<json> &events, const std::string &name) {
    std::vector<json> result;
    std::copy_if(events.begin(), events.end(), std::back_inserter(result),
                 [&](const json &event) { return event["name"] == name; });
    return result;
}

/// The sum of a key over the data of events that have it.
std::int64_t total(const std::vector<json> &events, const std::string &key) {
    std::int64_t sum = 0;
    for (const json &event : events)
        sum += event["data"].value(key, std::int64_t{0});
    return sum;
}

RecordedRun contended_run(const TempDirectory &base, std::vector<std::string> options) {
    options.insert(options.begin(), {"--window", "200ms"});
    Command command = shell(contend, base.path());
    RecordedRun run = flockstat_run(command, base / "run", options);
    REQUIRE(run.outcome.status == 0);
    return run;
}

} // namespace

TEST_CASE("windows add up to the run, counter by counter", "[monitor][windows]") {
    const TempDirectory base;
    const RecordedRun run = contended_run(base, {"--handler", "json=" + (base / "e.jsonl").string()});
    const std::string path = base / "l";
    const json lock = lock_of(run.report, path, "flock");
    const std::vector<json> events = lines_of(base / "e.jsonl");
    const std::vector<json> stats = events_named(events, "flockstat.Stat");
    for (const char *counter : {"enter", "region", "exit", "wait"}) {
        INFO(counter);
        const std::string name = std::string("filelock.") + counter;
        CHECK(total(stats, name + ".count") == lock[counter]["count"]);
        // Ticks become nanoseconds anew at each reading.
        CHECK(std::abs(total(stats, name + ".sum") - lock[counter]["sum_ns"].get<std::int64_t>()) <= 1000);
    }
    CHECK(lock["wait"]["count"] == 6);
    for (const json &event : stats) {
        CHECK(event["data"]["lock"] == path);
        CHECK(event["data"]["family"] == "flock");
    }
    // The rounds are farther apart than a window is long: no window has all of it, and one has nothing.
    const json &windows = run.report["windows"];
    REQUIRE(windows.size() >= 3);
    std::int64_t from_windows = 0;
    std::int64_t max_ns = 0;
    for (const json &window : windows) {
        for (const json &in_window : window["locks"]) {
            CHECK(in_window["path"] == path);
            if (in_window.contains("filelock.wait")) {
                const json &wait = in_window["filelock.wait"];
                CHECK(wait["count"] < 6);
                CHECK(wait["mean_ns"] <= wait["max_ns"]);
                from_windows += wait["count"].get<std::int64_t>();
                max_ns = std::max(max_ns, wait["max_ns"].get<std::int64_t>());
            }
        }
    }
    CHECK(from_windows == 6);
    CHECK(std::abs(max_ns - lock["wait"]["max_ns"].get<std::int64_t>()) <= 1000);
    CHECK(total(events_named(events, "flockstat.Window"), "duration_ns") <=
          run.report["run"]["duration_ns"].get<std::int64_t>() + 2'000'000'000);
}

TEST_CASE("each contended acquisition is an event of its own", "[monitor][windows]") {
    const TempDirectory base;
    const RecordedRun run = contended_run(base, {"--handler", "json=" + (base / "e.jsonl").string()});
    const std::vector<json> acquired = events_named(lines_of(base / "e.jsonl"), "flockstat.Acquired");
    REQUIRE(acquired.size() == 6);
    CHECK(std::abs(total(acquired, "wait_ns") -
                   lock_of(run.report, base / "l", "flock")["wait"]["sum_ns"].get<std::int64_t>()) <= 1000);
    for (const json &event : acquired) {
        const auto same_pid = [&](const json &process) { return process["pid"] == event["data"]["pid"]; };
        const auto process =
            std::find_if(run.report["processes"].begin(), run.report["processes"].end(), same_pid);
        REQUIRE(process != run.report["processes"].end());
        CHECK((*process)["wait"]["count"] == 1);
        CHECK(event["data"]["mode"] == "exclusive");
    }
}

TEST_CASE("a window ends on time, also where nobody locks any more", "[monitor][windows]") {
    const TempDirectory base;
    const std::string events = base / "e.jsonl";
    // The command itself waits for the event of a window that it has not filled itself: no later call closes
    // it.
    const std::string script = "flock l true; n=0; while ! grep -q 'filelock.enter.count.:1' " + events +
                               "; do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 9; done";
    const RecordedRun run = flockstat_run(shell(script, base.path()), base / "run",
                                          {"--window", "100ms", "--handler", "json=" + events});
    CHECK(run.outcome.status == 0);
}

TEST_CASE("the report shows a run over time", "[monitor][windows]") {
    const TempDirectory base;
    const RecordedRun run = contended_run(base, {});
    const std::string text = read_file(base / "run" / "summary.txt");
    INFO(text);
    CHECK(text.find("Over time") != std::string::npos);
    CHECK(text.find("####") != std::string::npos);
    const RecordedRun plain = flockstat_run(shell("flock l true", base.path()), base / "plain");
    CHECK(plain.report["windows"].empty());
    CHECK(read_file(base / "plain" / "summary.txt").find("Over time") == std::string::npos);
}

TEST_CASE("node_exporter and promtool take the metrics", "[monitor][handlers]") {
    const TempDirectory base;
    const RecordedRun run =
        contended_run(base, {"--handler", "openmetrics=" + (base / "flockstat.prom").string()});
    const Outcome checked = run_command(shell("promtool check metrics <flockstat.prom", base.path()));
    INFO(checked.out << checked.err);
    CHECK(checked.status == 0);
    const Outcome scraped =
        run_command({.argv = {"/usr/bin/python3", program_source("scrape.py"), base.path()}});
    INFO(scraped.out << scraped.err);
    REQUIRE(scraped.status == 0);
    CHECK(scraped.out.find("node_textfile_scrape_error 0") != std::string::npos);
    const std::string labels = "{family=\"flock\",lock=\"" + (base / "l").string() + "\"}";
    CHECK(scraped.out.find("\nflockstat_filelock_enter_seconds_count" + labels + " 9\n") !=
          std::string::npos);
    CHECK(scraped.out.find("\nflockstat_filelock_wait_seconds_count" + labels + " 6\n") != std::string::npos);
    CHECK(scraped.out.find("# TYPE flockstat_filelock_wait_seconds summary") != std::string::npos);
    const std::string sum_name = "\nflockstat_filelock_wait_seconds_sum" + labels + " ";
    const std::size_t at = scraped.out.find(sum_name);
    REQUIRE(at != std::string::npos);
    const double wait_ns = lock_of(run.report, base / "l", "flock")["wait"]["sum_ns"];
    CHECK(std::stod(scraped.out.substr(at + sum_name.size())) == Approx(wait_ns / 1e9).margin(1e-6));
    CHECK_FALSE(std::filesystem::exists(base / "flockstat.prom.tmp"));
    CHECK(std::distance(std::filesystem::directory_iterator(base.path()), {}) == 3); // l, run, flockstat.prom
}

TEST_CASE("a TensorBoard event file is read by protoc and crcmod", "[monitor][handlers]") {
    const TempDirectory base;
    const RecordedRun run = contended_run(base, {"--handler", "tensorboard=" + (base / "tb").string()});
    const Outcome read =
        run_command({.argv = {"/usr/bin/python3", program_source("read_tfevents.py"), base / "tb"}});
    INFO(read.out << read.err);
    REQUIRE(read.status == 0);
    const json content = json::parse(read.out);
    CHECK(content["version"] == "brain.Event:2");
    const std::string tag = "filelock.wait.count/flock " + (base / "l").string();
    double waits = 0;
    std::int64_t last_step = -1;
    for (const json &scalar : content["scalars"]) {
        if (scalar[0] == tag) {
            waits += scalar[2].get<double>();
            CHECK(scalar[1] > last_step);
            last_step = scalar[1];
        }
    }
    CHECK(waits == 6);
}

TEST_CASE("a plug-in receives every event", "[monitor][handlers]") {
    const TempDirectory base;
    const std::string library = program("libtell_events.so");
    const RecordedRun run =
        contended_run(base, {"--handler", "plugin=" + library + "," + (base / "told").string(), "--handler",
                             "json=" + (base / "e.jsonl").string()});
    std::istringstream told(read_file(base / "told"));
    std::vector<std::string> names;
    for (std::string line; std::getline(told, line);)
        names.push_back(line.substr(0, line.find(' ')));
    std::vector<std::string> expected;
    for (const json &event : lines_of(base / "e.jsonl"))
        expected.push_back(event["name"]);
    expected.emplace_back("closed");
    CHECK(names == expected);
    const std::string text = read_file(base / "told");
    CHECK(text.find(" family=flock ") != std::string::npos);
    CHECK(text.find(" lock=" + (base / "l").string()) != std::string::npos);
    CHECK(text.find(" filelock.wait.count=") != std::string::npos);
}

TEST_CASE("handlers and the window are chosen by variables too", "[monitor][handlers]") {
    const TempDirectory base;
    Command command = shell("flock l true", base.path());
    command.environment["FLOCKSTAT_HANDLERS"] =
        "json=" + (base / "a").string() + ";json=" + (base / "b").string();
    command.environment["FLOCKSTAT_WINDOW"] = "1m";
    const RecordedRun run = flockstat_run(command, base / "run");
    CHECK(run.outcome.status == 0);
    CHECK(run.outcome.err.empty());
    CHECK(total(events_named(lines_of(base / "a"), "flockstat.Stat"), "filelock.enter.count") == 1);
    CHECK(read_file(base / "a") == read_file(base / "b"));
    // A run inside the run must not replace the same files: the command does not see the variable.
    Command nosy = under_flockstat(shell("printf %s \"$FLOCKSTAT_HANDLERS\""), base / "outer");
    nosy.environment["FLOCKSTAT_HANDLERS"] = "json=" + (base / "a").string();
    CHECK(run_command(nosy).out.empty());
}

TEST_CASE("a handler that cannot work is named before anything is started", "[monitor][handlers]") {
    const TempDirectory base;
    const std::pair<std::vector<std::string>, const char *> wrong[] = {
        {{"--handler", "carrier-pigeon=x"}, "carrier-pigeon"},
        {{"--handler", "json"}, "json"},
        {{"--handler", "json=/nowhere/e"}, "/nowhere/e"},
        {{"--handler", "openmetrics=/nowhere/e"}, "/nowhere/e"},
        {{"--handler", "tensorboard=/dev/null/e"}, "/dev/null/e"},
        {{"--handler", "plugin=/nowhere.so"}, "/nowhere.so"},
        {{"--handler", "plugin=" + shim_path().string()}, "flockstat_plugin_init_v1"},
        {{"--handler", "plugin=" + program("libtell_events.so").string()}, "name a file that I can write to"},
        {{"--window", "0s"}, "0s"},
        {{"--window", "10 parsecs"}, "parsecs"}};
    for (const auto &[options, word] : wrong) {
        INFO(options[1]);
        Command command = under_flockstat(shell("touch started", base.path()), base / "run", options);
        command.directory = base.path();
        const Outcome outcome = run_command(command);
        CHECK(outcome.status == 125);
        CHECK(outcome.err.find(word) != std::string::npos);
        CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
        CHECK_FALSE(std::filesystem::exists(base / "started"));
        CHECK_FALSE(std::filesystem::exists(base / "run"));
    }
    Command command = under_flockstat(shell("touch started", base.path()), base / "run");
    command.environment["FLOCKSTAT_WINDOW"] = "soon";
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 125);
    CHECK(outcome.err.find("FLOCKSTAT_WINDOW=soon") != std::string::npos);
}

TEST_CASE("a run that locks nothing leaves no log of its windows", "[monitor][windows]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run(shell("true", base.path()), base / "run", {"--window", "100ms"});
    CHECK(run.outcome.status == 0);
    CHECK_FALSE(std::filesystem::exists(base / "run"));
}

TEST_CASE("waits at once: the most, and the time that somebody waited", "[monitor][concurrency]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder({.argv = {program("hold"), "flock", path}});
    REQUIRE(holder.read_line() == "held");
    // Three wait until the holder is told to go, which happens when /proc/locks shows all of them waiting.
    const std::string script = "for i in 1 2 3; do flock l true & done; wait";
    Process run(under_flockstat(shell(script, base.path()), base / "run"));
    const Outcome inode = run_command(shell("stat -c %i '" + path + "'"));
    const std::string seen =
        "n=0; while [ $(grep -c -- '-> .*:" + inode.out.substr(0, inode.out.size() - 1) +
        " ' /proc/locks) -lt 3 ]; do sleep 0.02; n=$((n+1)); [ $n -lt 1000 ] || exit 9; done";
    REQUIRE(run_command(shell(seen)).status == 0);
    holder.send("go");
    (void)holder.read_line();
    REQUIRE(run.wait().status == 0);
    const json report = read_report(base / "run");
    const json enter = report["concurrency"]["filelock.enter"];
    CHECK(enter["max_active"] == 3);
    CHECK(enter["active"] == 0);
    const json wait = lock_of(report, path, "flock")["wait"];
    CHECK(wait["count"] == 3);
    // All three began before any of them ended: the time that somebody waited is about that of the longest.
    CHECK(enter["busy_ns"] >= wait["max_ns"]);
    CHECK(enter["busy_ns"] < wait["sum_ns"]);
    CHECK_FALSE(report["concurrency"].contains("filelock.region"));
}
