#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/output_rules.h"

using namespace flockstat::test;

// Nobody gets in: what a run leaves is its user's alone, links lead nowhere, programs with more rights than
// their user are left alone, and names steer no terminal.

namespace {

namespace fs = std::filesystem;

/// `command`, with every bit of a file's mode up to whoever makes it.
Command without_umask(Command command) {
    command.argv.insert(command.argv.begin(), {"sh", "-c", "umask 0; exec \"$@\"", "sh"});
    return command;
}

/// All files of the directory are for their user alone. Returns how many there are.
std::size_t check_private(const fs::path &directory) {
    std::size_t files = 0;
    for (const fs::directory_entry &entry : fs::directory_iterator(directory)) {
        INFO(entry.path());
        CHECK(entry.symlink_status().type() == fs::file_type::regular);
        CHECK(entry.symlink_status().permissions() == fs::perms{0600});
        ++files;
    }
    return files;
}

Command locker(const TempDirectory &base) { return {.argv = {program("end_by"), "return", base / "l", "4"}}; }

/// The program linked with the shim, because a program with rights of its own is preloaded with nothing; and
/// what stands beside it for anybody.
void build_linked_program(const TempDirectory &base) {
    fs::copy_file(shim_path(), base / "libflockstat.so");
    const fs::path source = program_source("end_by.c");
    const Outcome built =
        run_command({.argv = {"gcc", "-D_GNU_SOURCE", "-I", source.parent_path().parent_path().parent_path(),
                              source, "-o", base / "linked", "-Wl,--no-as-needed", base / "libflockstat.so",
                              "-ldl", "-pthread", "-Wl,-rpath," + base.path().string()}});
    INFO(built.err);
    REQUIRE(built.status == 0);
    fs::permissions(base.path(), fs::perms{0777});
    fs::permissions(base / "libflockstat.so", fs::perms{0755});
}

} // namespace

TEST_CASE("what a run leaves is for its user alone", "[privacy]") {
    const TempDirectory base;
    REQUIRE(
        run_command(without_umask(under_flockstat(locker(base), base / "run", {"--html", "--window", "1s"})))
            .status == 3);
    CHECK(check_private(base / "run") == 5); // run.flk, its windows, three summaries
    REQUIRE(run_command(without_umask(preloaded(locker(base), base / "bare"))).status == 3);
    CHECK(check_private(base / "bare") == 3);
}

TEST_CASE("the shared memory of a run is for its user alone", "[privacy]") {
    const TempDirectory base;
    const TempDirectory arenas("/dev/shm");
    Command hold = under_flockstat({.argv = {program("hold"), "flock", base / "l"}}, base / "run");
    hold.environment["FLOCKSTAT_ARENA_DIR"] = arenas.path();
    Process holding(without_umask(hold));
    CHECK(holding.read_line() == "held");
    CHECK(check_private(arenas.path()) == 1);
    holding.send("go");
    CHECK(holding.wait().status == 0);
}

TEST_CASE("links that stand in the place of a run's files are replaced, not followed", "[privacy]") {
    const TempDirectory base;
    for (const char *kind : {"run", "bare"}) {
        INFO(kind);
        const fs::path directory = base / kind;
        fs::create_directory(directory);
        write_file(base / "somebody's", "kept");
        for (const char *name : {"summary.txt", "summary.json", "summary.html", "run.windows.jsonl"})
            fs::create_symlink(base / "somebody's", directory / name);
        const Outcome outcome =
            run_command(kind == std::string("run")
                            ? under_flockstat(locker(base), directory, {"--html", "--window", "1s"})
                            : preloaded(locker(base), directory));
        CHECK(outcome.status == 3);
        CHECK(read_file(base / "somebody's") == "kept");
        CHECK(read_file(directory / "summary.txt").find(base / "l") != std::string::npos);
    }
}

TEST_CASE("a program that has more rights than its user is left alone", "[privacy]") {
    if (geteuid() != 0) {
        WARN("needs root to make a program that runs as another user");
        return;
    }
    const TempDirectory base;
    build_linked_program(base);
    const auto run_as_nobody = [&](const std::string &name) {
        Command command{.argv = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                 base / "linked", "return", base / ("l" + name), "4"}};
        command.environment["FLOCKSTAT_DIR"] = base / name;
        command.environment["FLOCKSTAT_ARENA_DIR"] = std::nullopt;
        return run_command(command).status;
    };
    CHECK(run_as_nobody("plain") == 3);
    CHECK(fs::exists(base / "plain" / "run.flk")); // it records, as long as it may do no more than its user
    fs::permissions(base / "linked", fs::perms{04755});
    CHECK(run_as_nobody("set-user-ID") == 3);
    struct stat facts {};
    REQUIRE(stat((base / "lset-user-ID").c_str(), &facts) == 0);
    CHECK(facts.st_uid == 0); // it did run as root
    CHECK_FALSE(fs::exists(base / "set-user-ID"));
}

TEST_CASE("names that programs choose are escaped wherever they are shown", "[privacy][formats]") {
    const TempDirectory base;
    fs::create_directory(base / "files");
    const std::string awkward = "\x1b[2J\"'\\,;<b>\n\x7f\xc2\x9b=";
    const RecordedRun run = flockstat_run(
        {.argv = {"/usr/bin/python3", program_source("awkward_names.py"), base / "files", "9", awkward}},
        base / awkward);
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(run.report["locks"].size() == 9);
    const auto shown = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"report", run.directory.string()});
        const Outcome outcome = run_flockstat(arguments);
        CHECK(outcome.status == 0);
        CHECK(fault_in_text(outcome.err, true).empty());
        return outcome.out;
    };
    CHECK(fault_in_text(shown({}), true) == "");
    CHECK(shown({}).find("\\x1b[2J\\x1b]0;title\\x07escape") != std::string::npos);
    CHECK(fault_in_json(shown({"-f", "json"})) == "");
    CHECK(fault_in_json(shown({"-f", "perfetto"})) == "");
    CHECK(fault_in_folded(shown({"-f", "folded"})) == "");
    CHECK(fault_in_metrics(shown({"-f", "openmetrics"})) == "");
    CHECK(fault_in_profile(shown({"-f", "pprof"})) == "");
    for (const char *table : {"locks", "sites", "processes", "blame"}) {
        INFO(table);
        CHECK(fault_in_csv(shown({"-f", "csv", "--table", table})) == "");
    }
    CHECK(fault_in_text(run_flockstat({"diff", run.directory, run.directory}).out, true) == "");
    CHECK(fault_in_json(run_flockstat({"diff", run.directory, run.directory, "--json"}).out) == "");
    CHECK(fault_in_text(run_flockstat({"check", run.directory, "--max", "attempts=0"}).out, true) == "");
}

TEST_CASE("names that programs choose are escaped while they run", "[privacy][ps]") {
    const TempDirectory base;
    const std::string awkward = "\x1b[2J\"'\\,;<b>\n\x7f\xc2\x9b=";
    fs::copy_file(program("hold"), base / awkward);
    Process holding(
        under_flockstat({.argv = {base / awkward, "flock", base / ("l" + awkward)}}, base / "run"));
    CHECK(holding.read_line() == "held");
    const Outcome text = run_flockstat({"ps", base / "run"});
    CHECK(text.out.find("\\x1b[2J") != std::string::npos);
    CHECK(fault_in_text(text.out, true) == "");
    const Outcome json = run_flockstat({"ps", base / "run", "--json"});
    CHECK(fault_in_json(json.out) == "");
    CHECK(nlohmann::json::parse(json.out)["runs"][0]["held"][0]["path"] == (base / ("l" + awkward)).string());
    holding.send("go");
    CHECK(holding.wait().status == 0);
}

TEST_CASE("what is wrong with a name is said without its escapes", "[privacy][bad]") {
    const TempDirectory base;
    const std::string awkward = "\x1b[2J\xc2\x9b\x7f";
    write_file(base / awkward, "no recording");
    for (const std::vector<std::string> &arguments :
         std::vector<std::vector<std::string>>{{"report", base / awkward},
                                               {"report", base / ("none" + awkward)},
                                               {"ps", base / awkward},
                                               {"diff", base / awkward, base / awkward},
                                               {"check", base / awkward, "--max", "attempts=0"},
                                               {"check", base.path(), "--max", awkward},
                                               {"report", "--" + awkward},
                                               {"run", "-o", base / awkward, "true"},
                                               {"run", "--arena", awkward, "true"},
                                               {"run", "--handler", awkward, "true"},
                                               {"run", base / ("none" + awkward)}}) {
        const Outcome outcome = run_flockstat(arguments);
        INFO(outcome.err);
        CHECK(outcome.status != 0);
        CHECK(outcome.err.starts_with("flockstat: "));
        CHECK(fault_in_text(outcome.err, false) == "");
    }
}
