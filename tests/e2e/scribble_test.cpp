#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;

// A process of the run writes all over its recording (tests/programs/scribble.c): no other process crashes,
// hangs, or gets another answer than the kernel's. The truth is how the programs end, which check what they
// are answered, and what they print without us.

namespace {

using Arguments = std::vector<std::string>;

const Arguments modes = {"random", "zeros", "ones", "moved", "words", "bits", "header", "all"};

/// Locks, conversions, signal handlers, forks, executed programs, vfork, threads, waits.
std::vector<Arguments> programs(const std::string &path, const std::string &milliseconds) {
    return {{program("storm"), path, path + ".other", milliseconds},
            {program("fork_storm"), path, milliseconds},
            {program("fork_race"), path, "4", "2", milliseconds},
            {program("threads"), "crowd", path},
            {program("crowd"), path, "4", "4", "200"},
            {program("vfork_child"), path},
            {program("every_function"), path},
            {"/bin/bash", "-c",
             "for i in {1..10}; do (flock 9; sleep 0.001 & flock -s 9; flock -u 9) 9>>" + path + "; done"}};
}

/// Under a recording that is written over: how it ended, and all it printed.
Outcome run_scribbled(const Arguments &argv, const std::string &mode, const std::string &seed,
                      const std::string &pause) {
    const TempDirectory recording;
    Arguments all = {program("scribble"), mode, seed, pause};
    all.insert(all.end(), argv.begin(), argv.end());
    return run_command(under_flockstat({.argv = all}, recording / "run", {"--arena", "1"}));
}

void check_scribbled(const std::string &mode, const std::string &seed, const std::string &milliseconds) {
    const TempDirectory base;
    for (const Arguments &argv : programs(base / "l", milliseconds)) {
        for (const char *pause : {"0", "50"}) {
            const Outcome outcome = run_scribbled(argv, mode, seed, pause);
            INFO(mode << " " << seed << " " << pause << " " << argv[0] << "\n" << outcome.err);
            CHECK(outcome.out.ends_with("status 0\n"));
            CHECK((outcome.status == 0 || outcome.status == 125)); // 125: there is nothing left to read
        }
    }
}

void check_replaced() {
    const std::vector<std::pair<std::string, std::string>> deeds = {
        {"removed", ""},
        {"nothing", "touch $f"},
        {"junk", "head -c 2M /proc/self/exe > $f"},
        {"a directory", "mkdir $f"},
        {"a link to it", "ln -s $f.before $f"},
        {"a pipe", "mkfifo $f"},
        {"a copy of it", "cp $f.before $f"},
    };
    for (const auto &[what, replace] : deeds) {
        INFO(what);
        const TempDirectory base;
        const TempDirectory recording;
        const std::string script = "set -e; exec 9> " + (base / "held").string() + "; flock 9; " +
                                   "f=$(echo $FLOCKSTAT_ARENA_DIR/flockstat-*); test -f $f; " +
                                   "cp $f $f.before; rm $f; " + replace + "\n" +
                                   "flock -s 9; (flock -u 9; flock 9); " + program("threads").string() +
                                   " crowd " + (base / "l").string() + "; echo all well";
        const Outcome outcome =
            run_command(under_flockstat({.argv = {"/bin/bash", "-c", script},
                                         .environment = {{"FLOCKSTAT_ARENA_DIR", recording.path().string()}}},
                                        base / "run"));
        INFO(outcome.err);
        CHECK(outcome.out == "all well\n");
        CHECK((outcome.status == 0 || outcome.status == 125)); // 125: there is no report
    }
}

} // namespace

TEST_CASE("a process that writes all over the recording harms no other", "[harm]") {
    for (const char *mode : {"words", "header", "all"})
        check_scribbled(mode, "1", "100");
}

TEST_CASE("under a recording that is written over each function answers as without us", "[harm]") {
    const TempDirectory base;
    const Arguments argv = {program("every_function"), base / "l"};
    const std::string bare = run_command({.argv = argv}).out;
    REQUIRE(bare.size() > 1000);
    for (const std::string &mode : modes) {
        INFO(mode);
        CHECK(run_scribbled(argv, mode, "2", "20").out == bare + "status 0\n");
    }
}

TEST_CASE("the recording's file may be removed or replaced while the run goes on", "[harm]") {
    check_replaced();
}

TEST_CASE("flockstat run outlives that somebody truncates the recording, and says so", "[harm]") {
    const TempDirectory base;
    const TempDirectory recording;
    // A program that cannot be preloaded, so it is the command alone that has the file mapped.
    const std::string script = "f=$(echo $FLOCKSTAT_ARENA_DIR/flockstat-*); test -f $f && : > $f; exit 7";
    Command command = under_flockstat({.argv = {"env", "-u", "LD_PRELOAD", "/bin/sh", "-c", script},
                                       .environment = {{"FLOCKSTAT_ARENA_DIR", recording.path().string()}}},
                                      base / "run");
    const Outcome outcome = run_command(command);
    CHECK(outcome.status == 7);
    CHECK(outcome.err == "flockstat: nothing is reported: somebody truncated the file of the recording, in " +
                             recording.path().string() + ", while the run went on\n");
    CHECK(std::filesystem::is_empty(recording.path()));
    CHECK_FALSE(std::filesystem::exists(base / "run"));
}

TEST_CASE("a process of the run writes all over the recording while others lock", "[.soak]") {
    for (const std::string &mode : modes) {
        check_scribbled(mode, "10", "300");
        check_scribbled(mode, "11", "300");
    }
    soak_row("8 ways, 256 programs", "no crash, hang or other answer");
}

TEST_CASE("the recording's file is removed or replaced during the run", "[.soak]") {
    constexpr int times = 10;
    for (int i = 0; i < times; ++i)
        check_replaced();
    soak_row("7 ways, 10 times each", "the programs run on");
}
