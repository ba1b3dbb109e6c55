#include <csignal>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

// How a run ends: exit statuses, what is written and what is not, and what survives a kill.

namespace {

std::size_t entries_in(const fs::path &directory) {
    std::size_t count = 0;
    for (const fs::directory_entry &entry : fs::directory_iterator(directory))
        count += entry.path().empty() ? 0 : 1;
    return count;
}

Outcome run_quietly(const fs::path &directory, const std::vector<std::string> &command) {
    return run_command(under_flockstat({.argv = command}, directory));
}

std::int64_t pairs_in(const fs::path &directory, const std::string &path) {
    return lock_of(read_report(directory), path, "flock")["unlocks"];
}

} // namespace

TEST_CASE("flockstat run ends as the command does", "[run]") {
    const TempDirectory base;
    CHECK(run_quietly(base / "a", {"/bin/sh", "-c", "exit 7"}).status == 7);
    CHECK(run_quietly(base / "b", {"/bin/true"}).status == 0);
    CHECK(run_quietly(base / "c", {"/bin/sh", "-c", "kill -KILL $$"}).status == 137);
    CHECK(run_quietly(base / "d", {"/bin/sh", "-c", "kill -TERM $$"}).status == 143);
}

TEST_CASE("flockstat run says 125, 126 and 127 for its own reasons", "[run]") {
    const TempDirectory base;
    const Outcome missing = run_quietly(base / "a", {"flockstat-no-such-command"});
    CHECK(missing.status == 127);
    CHECK(missing.err.find("flockstat-no-such-command") != std::string::npos);
    write_file(base / "text", "no program");
    const Outcome not_executable = run_quietly(base / "b", {base / "text"});
    CHECK(not_executable.status == 126);
    CHECK(not_executable.err.find(base / "text") != std::string::npos);
    CHECK(run_quietly(base / "c", {base.path()}).status == 126);
    const Outcome bad_option = run_flockstat({"run", "--no-such-option", "--", "/bin/true"});
    CHECK(bad_option.status == 125);
    CHECK(bad_option.err.find("--no-such-option") != std::string::npos);
    CHECK(run_flockstat({"run"}).status == 125);
}

TEST_CASE("a run without locks leaves nothing and says so", "[run]") {
    const TempDirectory base;
    Command command{.argv = {flockstat_path(), "run", "-o", base / "run", "--", "/bin/echo", "hello"}};
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "hello\n");
    CHECK(outcome.err.find("no lock call") != std::string::npos);
    CHECK(entries_in(base.path()) == 0);
}

TEST_CASE("/bin/true under a bare preload leaves no file and says nothing", "[run]") {
    const TempDirectory base;
    Command command{.argv = {"/bin/true"}};
    command.environment["LD_PRELOAD"] = shim_path();
    command.environment["FLOCKSTAT_ARENA_DIR"] = base.path();
    command.directory = base.path();
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.empty());
    CHECK(entries_in(base.path()) == 0);
}

TEST_CASE("a bare preload writes into flockstat-COMMAND-PID by itself", "[run]") {
    const TempDirectory base;
    Command command{.argv = {program("end_by"), "return", base / "l", "4"}};
    command.environment["LD_PRELOAD"] = shim_path();
    command.directory = base.path();
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 3);
    CHECK(outcome.out.empty());
    fs::path directory;
    for (const fs::directory_entry &entry : fs::directory_iterator(base.path())) {
        if (entry.path().filename().string().starts_with("flockstat-end_by-"))
            directory = entry.path();
    }
    REQUIRE_FALSE(directory.empty());
    for (const char *file : {"run.flk", "summary.json", "summary.txt"}) {
        INFO(file);
        CHECK(fs::exists(directory / file));
    }
    CHECK(pairs_in(directory, base / "l") == 4);
}

TEST_CASE("clean runs leave nothing where the arena was", "[run]") {
    const TempDirectory base;
    const TempDirectory arenas("/dev/shm");
    const Command lock{.argv = {program("end_by"), "return", base / "l", "4"},
                       .environment = {{"FLOCKSTAT_ARENA_DIR", arenas.path()}}};
    const RecordedRun run = flockstat_run(lock, base / "run");
    CHECK(run.outcome.status == 3);
    CHECK_FALSE(run.report.is_null());
    CHECK(entries_in(arenas.path()) == 0);
    const RecordedRun bare = preload_run(lock, base / "bare");
    CHECK(bare.outcome.status == 3);
    CHECK_FALSE(bare.report.is_null());
    CHECK(entries_in(arenas.path()) == 0);
}

TEST_CASE("by itself the arena is in /dev/shm, named by the run's directory, and gone after the run",
          "[run]") {
    const TempDirectory base;
    Process process(under_flockstat({.argv = {program("step_by_step"), base / "l"},
                                     .environment = {{"FLOCKSTAT_ARENA_DIR", std::nullopt}}},
                                    base / "run"));
    REQUIRE(process.read_line() == "ready");
    process.send("go");
    REQUIRE(process.read_line() == "done");
    const fs::path arena = fs::read_symlink(base / "run" / "run.flk");
    INFO(arena);
    CHECK(arena.parent_path() == "/dev/shm");
    CHECK(fs::exists(arena));
    CHECK((fs::status(arena).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    process.close_input();
    CHECK(process.wait().status == 0);
    CHECK_FALSE(fs::exists(arena));
    CHECK(fs::is_regular_file(fs::symlink_status(base / "run" / "run.flk")));
}

TEST_CASE("the summary's three files are there, and say what ran", "[run]") {
    const TempDirectory base;
    const RecordedRun run =
        flockstat_run({.argv = {program("end_by"), "return", base / "l", "4"}}, base / "run");
    CHECK(read_file(base / "run" / "summary.txt").find(base / "l") != std::string::npos);
    CHECK(fs::exists(base / "run" / "run.flk"));
    const json about = run.report["run"];
    CHECK(about["command"] == json({program("end_by").string(), "return", base / "l", "4"}));
    CHECK(about["complete"] == true);
    CHECK(about["probe"] == true);
    CHECK(about["processes"] == 1);
    CHECK(about["threads"] == 1);
    CHECK(about["duration_ns"].get<std::int64_t>() > 0);
    CHECK(about["duration_ns"].get<std::int64_t>() <= run.outcome.wall_ns);
    CHECK(about["directory"] == (base / "run").string());
    CHECK(run.report["processes"][0]["ended"] == "exit");
    CHECK(run.report["processes"][0]["status"] == 3);
}

TEST_CASE("run -o refuses a directory that holds a run, unless --add, and report merges them", "[run]") {
    const TempDirectory base;
    const std::vector<std::string> lock = {program("end_by"), "return", base / "l", "10"};
    CHECK(run_quietly(base / "run", lock).status == 3);
    const Outcome refused = run_quietly(base / "run", lock);
    CHECK(refused.status == 125);
    CHECK(refused.err.find(base / "run") != std::string::npos);
    CHECK(refused.err.find("--add") != std::string::npos);
    CHECK(pairs_in(base / "run", base / "l") == 10);
    CHECK(run_command(under_flockstat({.argv = lock}, base / "run", {"--add"})).status == 3);
    CHECK(fs::exists(base / "run" / "run.2.flk"));
    CHECK(pairs_in(base / "run", base / "l") == 20);
    // Two directories in one report.
    CHECK(run_quietly(base / "other", lock).status == 3);
    const Outcome both = run_flockstat({"report", base / "run", base / "other", "-f", "json"});
    REQUIRE(both.status == 0);
    const json merged = json::parse(both.out);
    check_report(merged);
    CHECK(lock_of(merged, base / "l", "flock")["unlocks"] == 30);
}

TEST_CASE("whatever way a process ends, what it did before is in the report", "[run]") {
    const TempDirectory base;
    for (const char *how :
         {"return", "exit", "_exit", "_Exit", "quick_exit", "abort", "kill", "segv", "exec"}) {
        INFO(how);
        const std::string path = base / (std::string("l-") + how);
        const std::vector<std::string> lock = {program("end_by"), how, path, "25"};
        const bool dies =
            std::string(how) == "abort" || std::string(how) == "kill" || std::string(how) == "segv";
        const RecordedRun run = flockstat_run({.argv = lock}, base / (std::string("run-") + how));
        json found = lock_of(run.report, path, "flock");
        CHECK(found["granted"] == 26);
        CHECK(found["unlocks"] == 25);
        CHECK(found["released"]["unlock"] == 25);
        const std::string cause = dies ? "unknown" : std::string(how) == "exec" ? "exec" : "exit";
        INFO(found["released"].dump());
        CHECK(found["released"][cause] == 1);
        const RecordedRun bare = preload_run({.argv = lock}, base / (std::string("bare-") + how));
        const json report = read_report(base / (std::string("bare-") + how));
        CHECK(lock_of(report, path, "flock")["granted"] == 26);
    }
}

TEST_CASE("a process killed from outside keeps what it recorded", "[run]") {
    const TempDirectory base;
    Process process(
        under_flockstat({.argv = {program("crowd"), base / "l", "1", "1", "1000000000"}}, base / "run"));
    // Until it has locked some more than a thousand times, by the live report.
    json report;
    std::int64_t seen = 0;
    for (int tries = 0; seen < 1000; ++tries) {
        REQUIRE(tries < 500);
        const Outcome live = run_flockstat({"report", base / "run", "-f", "json"});
        if (live.status != 0)
            continue; // it has not begun
        report = json::parse(live.out);
        for (const json &lock : report["locks"])
            seen = lock["granted"];
    }
    CHECK(report["run"]["complete"] == false);
    for (const json &child : report["processes"]) {
        if (child["attempts"] > 0)
            REQUIRE(run_command({.argv = {"/bin/kill", "-KILL", child["pid"].dump()}}).status == 0);
    }
    CHECK(process.wait().status == 1); // the program says that its child failed
    const json lock = lock_of(read_report(base / "run"), base / "l", "flock");
    CHECK(lock["granted"].get<std::int64_t>() >= seen);
}

TEST_CASE("when flockstat run itself is killed, report reads the live arena", "[run]") {
    const TempDirectory base;
    const TempDirectory arenas("/dev/shm");
    Command command = under_flockstat({.argv = {program("step_by_step"), base / "l"},
                                       .environment = {{"FLOCKSTAT_ARENA_DIR", arenas.path()}}},
                                      base / "run");
    Process process(command);
    REQUIRE(process.read_line() == "ready");
    process.send("go");
    REQUIRE(process.read_line() == "done");
    process.kill_only(9);
    json report = read_report(base / "run");
    CHECK(lock_of(report, base / "l", "flock")["unlocks"] == 5);
    CHECK(report["run"]["complete"] == false);
    process.send("go");
    REQUIRE(process.read_line() == "done");
    report = read_report(base / "run");
    CHECK(lock_of(report, base / "l", "flock")["unlocks"] == 10);
    process.close_input();
    // The end of its output is the end of the program, whose parent is gone.
    CHECK_THROWS(process.read_line());
    report = read_report(base / "run");
    CHECK(lock_of(report, base / "l", "flock")["unlocks"] == 10);
    CHECK(entries_in(arenas.path()) == 0);
    CHECK(fs::exists(base / "run" / "run.flk"));
}

TEST_CASE("report before anybody attached does not end the run", "[run]") {
    const TempDirectory base;
    Process process(under_flockstat(
        {.argv = {program("static_first"), program("end_by"), "return", base / "l", "4"}}, base / "run"));
    REQUIRE(process.read_line() == "ready");
    const Outcome early = run_flockstat({"report", base / "run", "-f", "json"});
    CHECK(early.signal == 0);
    process.send("go");
    CHECK(process.wait().status == 3);
    CHECK(pairs_in(base / "run", base / "l") == 4);
}

TEST_CASE("FLOCKSTAT_DIR alone marks no run: each command of a shell starts its own", "[run]") {
    const TempDirectory base;
    Command command = shell("\"$LOCK\" return l 3; \"$LOCK\" return l 4; exit 0", base.path());
    command.environment["LOCK"] = program("end_by");
    command.environment["FLOCKSTAT_DIR"] = base / "run";
    Command exporting = command;
    exporting.argv[2] = "LD_PRELOAD=" + shim_path().string() + "; export LD_PRELOAD; " + command.argv[2];
    CHECK(run_command(exporting).status == 0);
    CHECK(fs::exists(base / "run" / "run.2.flk"));
    CHECK(pairs_in(base / "run", base / "l") == 7);
}

TEST_CASE("two signals in a row, as from timeout, do not lose the summary", "[run]") {
    const TempDirectory base;
    for (int i = 0; i < 5; ++i) {
        const std::filesystem::path directory = base / ("run" + std::to_string(i));
        Process run(under_flockstat({.argv = {"flock", base / "l", "sh", "-c", "echo held; exec sleep 100"}},
                                    directory));
        REQUIRE(run.read_line() == "held");
        CHECK(kill(-run.pid(), SIGTERM) == 0);
        CHECK(kill(run.pid(), SIGTERM) == 0);
        CHECK(run.wait().status == 128 + SIGTERM);
        CHECK(std::filesystem::exists(directory / "summary.json"));
    }
}

TEST_CASE("a run that is named twice is counted once", "[run]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {"flock", base / "l", "true"}}, base / "run");
    const Outcome twice = run_flockstat({"report", "-f", "json", base / "run", base / "run/../run"});
    REQUIRE(twice.status == 0);
    CHECK(json::parse(twice.out) == run.report);
}
