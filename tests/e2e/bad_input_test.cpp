#include <algorithm>

#include "tests/support/e2e.h"
#include "tests/support/own_mounts.h"

using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

// Whatever is wrong: one clear line that names the thing and what to do about it, a non-zero status from the
// command, and from the shim a program that runs on untouched.

namespace {

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// The command failed, in one line on stderr that names `thing`, and printed nothing that a script would take
// for a report.
void check_one_line(const Outcome &outcome, const std::string &thing) {
    INFO("status " << outcome.status << ", stderr: " << outcome.err
                   << ", stdout: " << outcome.out.substr(0, 500));
    CHECK(outcome.status != 0);
    CHECK(outcome.status < 128);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("flockstat: "));
    CHECK(has(outcome.err, thing));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

// The program did all it does, and stderr has at most one line, ours.
void check_untouched(const Outcome &outcome, const std::string &thing) {
    INFO("status " << outcome.status << ", stderr: " << outcome.err);
    CHECK(outcome.status == 3);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("flockstat: "));
    CHECK(has(outcome.err, thing));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

Command locker(const TempDirectory &base) { return {.argv = {program("end_by"), "return", base / "l", "3"}}; }

// A finished run in base/run.
void record(const TempDirectory &base) {
    REQUIRE(flockstat_run(locker(base), base / "run").outcome.status == 3);
}

Outcome report_of(const fs::path &directory) { return run_flockstat({"report", directory, "-f", "json"}); }

} // namespace

TEST_CASE("unknown options and commands are named", "[bad]") {
    check_one_line(run_flockstat({"--no-such-option"}), "--no-such-option");
    check_one_line(run_flockstat({"no-such-command"}), "no-such-command");
    check_one_line(run_flockstat({"report", "--no-such-option"}), "--no-such-option");
    check_one_line(run_flockstat({"run", "--no-such-option", "true"}), "--no-such-option");
    check_one_line(run_flockstat({"run", "--arena", "many", "true"}), "many");
}

TEST_CASE("report names a format, an order and a number that do not exist", "[bad]") {
    const TempDirectory base;
    record(base);
    check_one_line(run_flockstat({"report", base / "run", "-f", "no-such-format"}), "no-such-format");
    check_one_line(run_flockstat({"report", base / "run", "--sort", "no-such-key"}), "no-such-key");
    check_one_line(run_flockstat({"report", base / "run", "--top", "few"}), "few");
}

TEST_CASE("report of a directory that is not there, or holds no run", "[bad]") {
    const TempDirectory base;
    check_one_line(report_of(base / "missing"), base / "missing");
    check_one_line(report_of(base.path()), base.path());
    write_file(base / "file", "a file");
    check_one_line(report_of(base / "file"), base / "file");
}

TEST_CASE("a foreign, empty or truncated run.flk is refused and named", "[bad]") {
    const TempDirectory base;
    record(base);
    const fs::path file = base / "run" / "run.flk";
    const std::string good = read_file(file);
    const std::string texts[] = {"",
                                 "x",
                                 "This is no arena at all, but a text.\n",
                                 std::string(100000, '\0'),
                                 good.substr(0, 16),
                                 good.substr(0, 4096),
                                 good.substr(0, good.size() / 2)};
    for (const std::string &text : texts) {
        INFO(text.size() << " bytes");
        write_file(file, text);
        check_one_line(report_of(base / "run"), "run.flk");
    }
    write_file(file, good);
    CHECK(report_of(base / "run").status == 0);
}

TEST_CASE("a run.flk of another version is refused and named", "[bad]") {
    const TempDirectory base;
    record(base);
    const fs::path file = base / "run" / "run.flk";
    const std::string good = read_file(file);
    // Whatever byte of the first words is changed, it is no arena of this program; none may crash it.
    for (std::size_t at = 0; at < 8; ++at) {
        std::string changed = good;
        changed[at] = static_cast<char>(changed[at] ^ 0x5a);
        write_file(file, changed);
        check_one_line(report_of(base / "run"), "run.flk");
    }
}

TEST_CASE("damaged bytes anywhere in run.flk crash nothing", "[bad]") {
    const TempDirectory base;
    record(base);
    const fs::path file = base / "run" / "run.flk";
    const std::string good = read_file(file);
    unsigned state = 12345; // always the same damage
    for (int round = 0; round < 40; ++round) {
        std::string changed = good;
        for (int i = 0; i < 200; ++i) {
            state = state * 1664525U + 1013904223U;
            // Most of a run's file is still empty: damage the part in use.
            changed[(state >> 4) % std::min<std::size_t>(changed.size(), 1U << 17U)] =
                static_cast<char>(state >> 24);
        }
        write_file(file, changed);
        Command command{.argv = {flockstat_path(), "report", base / "run", "-f", "json"}};
        command.limit = std::chrono::seconds(30);
        const Outcome outcome = run_command(command);
        INFO("round " << round << ": " << outcome.err);
        CHECK(outcome.signal == 0);
        CHECK_FALSE(outcome.timed_out);
        if (outcome.status == 0)
            CHECK_FALSE(json::parse(outcome.out, nullptr, false).is_discarded());
    }
}

TEST_CASE("a run.flk that cannot be read is named", "[bad]") {
    const TempDirectory base;
    record(base);
    const fs::path file = base / "run" / "run.flk";
    fs::remove(file);
    fs::create_directory(file);
    check_one_line(report_of(base / "run"), "run.flk");
    fs::remove(file);
    fs::create_symlink(file, file); // ELOOP, for root too
    check_one_line(report_of(base / "run"), "run.flk");
}

TEST_CASE("report -O to a full device says so", "[bad]") {
    const TempDirectory base;
    record(base);
    check_one_line(run_flockstat({"report", base / "run", "-f", "json", "-O", "/dev/full"}), "/dev/full");
    const Outcome to_stdout = run_command(shell("'" + flockstat_path().string() + "' report '" +
                                                (base / "run").string() + "' -f json >/dev/full"));
    CHECK(to_stdout.status != 0);
    CHECK(has(to_stdout.err, "flockstat: "));
    check_one_line(run_flockstat({"report", base / "run", "-O", base / "no" / "such" / "place"}), "place");
}

TEST_CASE("run -o to a place that cannot be says 125, and does not run the command", "[bad]") {
    const TempDirectory base;
    write_file(base / "file", "a file");
    const fs::path below = base / "file" / "run";
    const Outcome outcome =
        run_command(under_flockstat({.argv = {"/usr/bin/touch", base / "touched"}}, below));
    check_one_line(outcome, below);
    CHECK(outcome.status == 125);
    CHECK_FALSE(fs::exists(base / "touched"));
}

TEST_CASE("a preloaded program whose FLOCKSTAT_DIR cannot be made runs on", "[bad]") {
    const TempDirectory base;
    write_file(base / "file", "a file");
    const std::string below = base / "file" / "run";
    check_untouched(run_command(preloaded(locker(base), below)), below);
}

TEST_CASE("only the first process of a run says why it does not record", "[bad]") {
    const TempDirectory base;
    write_file(base / "file", "a file");
    Command command = shell("\"$LOCK\" return l 1; \"$LOCK\" return l 1; flock l true", base.path());
    command.environment["LOCK"] = program("end_by");
    command.argv.insert(command.argv.begin(), {"flock", "m"});
    const Outcome outcome = run_command(preloaded(command, base / "file" / "run"));
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("unknown FLOCKSTAT_ values are named, and the program runs on", "[bad]") {
    const TempDirectory base;
    const std::pair<const char *, const char *> values[] = {{"FLOCKSTAT_PROBE", "maybe"},
                                                            {"FLOCKSTAT_STACKS", "sometimes"},
                                                            {"FLOCKSTAT_ARENA_MIB", "lots"},
                                                            {"FLOCKSTAT_ARENA_MIB", "-1"},
                                                            {"FLOCKSTAT_ARENA_MIB", "0"}};
    int number = 0;
    for (const auto &[name, value] : values) {
        INFO(name << "=" << value);
        Command command = preloaded(locker(base), base / std::to_string(++number));
        command.environment[name] = value;
        const Outcome outcome = run_command(command);
        check_untouched(outcome, name);
        CHECK(has(outcome.err, value));
    }
}

TEST_CASE("flockstat run refuses an unknown FLOCKSTAT_ value before it starts anything", "[bad]") {
    const TempDirectory base;
    Command command = under_flockstat({.argv = {"/usr/bin/touch", base / "touched"}}, base / "run");
    command.environment["FLOCKSTAT_PROBE"] = "maybe";
    const Outcome outcome = run_command(command);
    check_one_line(outcome, "FLOCKSTAT_PROBE");
    CHECK(outcome.status == 125);
    CHECK_FALSE(fs::exists(base / "touched"));
}

TEST_CASE("a FLOCKSTAT_ variable that nobody knows is named, and the program runs on", "[bad]") {
    const TempDirectory base;
    Command command = preloaded(locker(base), base / "run");
    command.environment["FLOCKSTAT_PROBES"] = "off";
    check_untouched(run_command(command), "FLOCKSTAT_PROBES");
}

TEST_CASE("no room for the arena: the program runs on, and the command says so", "[bad]") {
    const TempDirectory base;
    fs::create_directory(base / "tiny");
    const std::string mount = "mount -t tmpfs -o size=16k none tiny || exit 99; "
                              "dd if=/dev/zero of=tiny/fill bs=4k count=8 2>/dev/null; ";
    const Outcome preload = run_command(with_own_mounts(
        mount + "FLOCKSTAT_ARENA_DIR=$PWD/tiny FLOCKSTAT_DIR=$PWD/run LD_PRELOAD=$SHIM \"$LOCK\" return l 3",
        base.path()));
    check_untouched(preload, base / "tiny");
    const Outcome run = run_command(with_own_mounts(
        mount + "FLOCKSTAT_ARENA_DIR=$PWD/tiny \"$FLOCKSTAT\" run -o run2 -- touch touched", base.path()));
    check_one_line(run, base / "tiny");
    CHECK(run.status == 125);
}

TEST_CASE("no room for the summary: the command says so, and the numbers can still be had", "[bad]") {
    const TempDirectory base;
    fs::create_directory(base / "tiny");
    // The directory can be made, but when the run ends its files do not fit any more.
    const Outcome outcome = run_command(with_own_mounts(
        "mount -t tmpfs -o size=64k none tiny || exit 99; \"$FLOCKSTAT\" run --quiet -o tiny/run --"
        " sh -c '\"$LOCK\" return l 3; dd if=/dev/zero of=tiny/fill bs=4k count=99 2>/dev/null; exit 3'",
        base.path()));
    INFO(outcome.err);
    CHECK(outcome.status == 3); // the command's own work is done, and its status is its own
    CHECK(has(outcome.err, "flockstat: "));
    CHECK(has(outcome.err, "tiny/run"));
}

TEST_CASE("a preloaded program with no room for its summary ends as it would", "[bad]") {
    const TempDirectory base;
    fs::create_directory(base / "tiny");
    const Outcome outcome =
        run_command(with_own_mounts("mount -t tmpfs -o size=64k none tiny || exit 99; mkdir tiny/run;"
                                    "dd if=/dev/zero of=tiny/fill bs=4k count=99 2>/dev/null;"
                                    "FLOCKSTAT_DIR=$PWD/tiny/run LD_PRELOAD=$SHIM exec \"$LOCK\" return l 3",
                                    base.path()));
    check_untouched(outcome, "tiny/run");
}

TEST_CASE("descendants of a program with a bad variable do not repeat its complaint", "[bad]") {
    const TempDirectory base;
    Command command = preloaded(shell("/bin/true; /bin/true; flock l true", base.path()), base / "run");
    command.environment["FLOCKSTAT_STACKS"] = "maybe";
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 0);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("a bare preload in a removed directory says that nothing is recorded", "[bad]") {
    const TempDirectory base;
    const Outcome outcome = run_command(
        shell("mkdir gone && cd gone && rmdir ../gone && exec env LD_PRELOAD=" + shim_path().string() +
                  " flock " + (base / "l").string() + " true",
              base.path()));
    CHECK(outcome.status == 0);
    CHECK(outcome.err == "flockstat: nothing is recorded: the working directory is gone; set FLOCKSTAT_DIR "
                         "to an absolute path\n");
}
