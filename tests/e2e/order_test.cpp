#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Who comes first: libraries that lock as they are loaded, other preloads, a program's own flock, and what
// does not pass by us at all.

namespace {

std::string library(const char *name) {
    return (build_directory() / "tests" / "programs" / (std::string(name) + ".so")).string();
}

std::string both_orders(bool ours_first, const std::string &other) {
    return ours_first ? shim_path().string() + ":" + other : other + ":" + shim_path().string();
}

RecordedRun run_preloaded(Command command, const TempDirectory &base, const std::string &preload) {
    command.environment["LD_PRELOAD"] = preload;
    command.environment["FLOCKSTAT_DIR"] = base / "run";
    RecordedRun run;
    run.outcome = run_command(command);
    run.report = read_report(base / "run");
    return run;
}

} // namespace

TEST_CASE("another interposer before us or behind us sees the calls, and so do we", "[order]") {
    for (const bool ours_first : {true, false}) {
        INFO((ours_first ? "behind us" : "before us"));
        const TempDirectory base;
        Command command{.argv = {program("hold_time"), "flock", base / "l", "1"}};
        command.environment["SAY_CALLS"] = "1";
        const RecordedRun run =
            run_preloaded(command, base, both_orders(ours_first, library("libinterposer")));
        CHECK(run.outcome.err == "2 calls came through\n");
        CHECK(run.outcome.status == 0);
        check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 1}});
    }
}

TEST_CASE("a library that locks before we start and after we end does so", "[order]") {
    for (const bool ours_first : {true, false}) {
        INFO((ours_first ? "started before us" : "started after us"));
        const TempDirectory base;
        const std::string loaded = base / "loaded";
        Command command{.argv = {program("hold_time"), "flock", base / "l", "1"}};
        command.environment["LOCK_AT_LOAD"] = loaded;
        const RecordedRun run = run_preloaded(command, base, both_orders(ours_first, library("liblocker")));
        CHECK(run.outcome.err.empty());
        CHECK(run.outcome.status == 0);
        // Constructors run backwards: what is behind us in the list is started before, when nothing is set up
        // to record. The end of the process is after all destructors.
        const int seen = ours_first ? 1 : 2;
        check_released(lock_of(run.report, loaded, "flock"), {{"unlock", seen}});
        check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 1}});
    }
}

TEST_CASE("a program's own flock is its own; what it hands on is seen", "[order]") {
    for (const char *how : {"syscall", "next"}) {
        INFO(how);
        const TempDirectory base;
        const RecordedRun run =
            flockstat_run({.argv = {program("own_flock"), how, base / "l"}}, base / "run");
        CHECK(run.outcome.out == "6\n");
        check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 3}});
    }
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("own_flock"), "none", base / "l"}}, base / "run");
    CHECK(run.outcome.out == "6\n");
    CHECK(run.report.is_null()); // there was no lock call
}

TEST_CASE("libraries that are loaded later are seen, but for those bound to libc itself", "[order]") {
    for (const char *how : {"local", "global"}) {
        INFO(how);
        const TempDirectory base;
        const RecordedRun run =
            flockstat_run({.argv = {program("loads"), how, library("liblocker"), base / "l"}}, base / "run");
        CHECK(run.outcome.out == "0\n");
        check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 1}});
    }
    // README.md names it among what cannot be seen.
    const TempDirectory base;
    const Command command{.argv = {program("loads"), "deepbind", library("liblocker"), base / "l"}};
    const RecordedRun run = flockstat_run(command, base / "run");
    CHECK(run.outcome.out == "0\n");
    CHECK(run.report.is_null());
}

TEST_CASE("what libc locks by itself works as it does without us", "[order]") {
    const TempDirectory base;
    const Command command{.argv = {program("glibc_locks"), base / "utmp"}};
    const StraceRun bare = strace_run(command);
    CHECK(bare.counts.at({base / "utmp", "posix"}).granted == 3);
    const RecordedRun run = flockstat_run(command, base / "run");
    CHECK(run.outcome.out == bare.outcome.out);
    CHECK(run.report.is_null()); // README.md names it among what cannot be seen
}
