#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

namespace {

json run_release(const TempDirectory &base, const std::string &cause, const std::string &family) {
    const std::string path = base / (cause + family);
    const RecordedRun run = flockstat_run({.argv = {program("release_by"), cause, family, path}},
                                          base / ("run-" + cause + family));
    REQUIRE(run.outcome.status == 0);
    return lock_of(run.report, path, family);
}

struct Ranges {
    const char *what;
    std::vector<std::string> steps;
    int opened_shared;
    int opened_exclusive;
    Ends released;
};

void check_ranges(const std::string &family, const Ranges &test) {
    INFO(family << ": " << test.what);
    const TempDirectory base;
    const std::string path = base / "l";
    Command command{.argv = {program("ranges"), family, path}};
    command.argv.insert(command.argv.end(), test.steps.begin(), test.steps.end());
    const RecordedRun run = flockstat_run(command, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, path, family);
    check_released(lock, test.released);
    CHECK(lock["shared"]["region"]["count"] == test.opened_shared);
    CHECK(lock["exclusive"]["region"]["count"] == test.opened_exclusive);
}

} // namespace

TEST_CASE("how a region ended is counted by cause", "[regions]") {
    const TempDirectory base;
    for (const char *family : {"flock", "posix", "ofd"}) {
        INFO(family);
        check_released(run_release(base, "unlock", family), {{"unlock", 1}});
        check_released(run_release(base, "close", family), {{"close", 1}});
        check_released(run_release(base, "dup", family), {{"close", 1}});
        check_released(run_release(base, "exit", family), {{"exit", 1}});
        check_released(run_release(base, "_exit", family), {{"exit", 1}});
        check_released(run_release(base, "exec", family), {{"exec", 1}});
        check_released(run_release(base, "converted", family), {{"converted", 1}, {"unlock", 1}});
    }
}

TEST_CASE("a conversion ends the exclusive region and opens a shared one", "[regions]") {
    const TempDirectory base;
    for (const char *family : {"flock", "posix", "ofd"}) {
        INFO(family);
        const json lock = run_release(base, "converted", family);
        CHECK(lock["exclusive"]["region"]["count"] == 1);
        CHECK(lock["shared"]["region"]["count"] == 1);
        CHECK(lock["region"]["count"] == 2);
        CHECK(lock["exit"]["count"] == 1);
    }
}

TEST_CASE("what a descendant holds when the run ends is still held, and no sample", "[regions]") {
    const TempDirectory base;
    for (const char *family : {"flock", "posix", "ofd"}) {
        INFO(family);
        const std::string path = base / family;
        const std::string directory = base / (std::string("run-") + family);
        Process process(
            under_flockstat({.argv = {program("release_by"), "still_held", family, path}}, directory));
        CHECK(process.wait().status == 0);
        json report = read_report(directory);
        CHECK(report["run"]["complete"] == false);
        json lock = lock_of(report, path, family);
        check_released(lock, {{"still_held", 1}});
        CHECK(lock["region"]["count"] == 0);
        CHECK(lock["held_open_ns"].get<std::int64_t>() > 0);
    }
}

TEST_CASE("posix byte ranges open and end regions by the byte", "[regions]") {
    const std::vector<Ranges> tests = {
        {"split by an unlock in the middle, both parts unlocked",
         {"w0-100", "u40-60", "u0-100"},
         0,
         1,
         {{"unlock", 1}}},
        {"two neighbours, one unlock", {"w0-10", "w10-20", "u0-20"}, 0, 2, {{"unlock", 2}}},
        {"an extension opens a region for the new bytes only",
         {"w0-10", "w0-20", "u0-20"},
         0,
         2,
         {{"unlock", 2}}},
        {"an upgrade converts", {"r0-100", "w0-100", "u0-100"}, 1, 1, {{"converted", 1}, {"unlock", 1}}},
        {"a partial upgrade leaves the rest", {"r0-100", "w50-100", "u0-100"}, 1, 1, {{"unlock", 2}}},
        {"an upgrade in two parts converts with the second",
         {"r0-100", "w0-50", "w50-100", "u0-100"},
         1,
         2,
         {{"converted", 1}, {"unlock", 2}}},
        {"asking for what is held opens nothing",
         {"w0-100", "w0-100", "w20-30", "u0-100"},
         0,
         1,
         {{"unlock", 1}}},
        {"unlocking what is not held ends nothing",
         {"w0-10", "u50-60", "u0-10", "u0-10"},
         0,
         1,
         {{"unlock", 1}}},
        {"the last byte ends it", {"w0-10", "u0-9", "u9-10"}, 0, 1, {{"unlock", 1}}},
        {"exit drops the rest", {"w0-10", "w20-30", "u0-10"}, 0, 2, {{"unlock", 1}, {"exit", 1}}},
    };
    for (const Ranges &test : tests) {
        check_ranges("posix", test);
        check_ranges("ofd", test);
    }
}

TEST_CASE("closing any descriptor of the file drops all its posix locks, and no ofd lock", "[regions]") {
    check_ranges("posix", {"close", {"w0-10", "w20-30", "c"}, 0, 2, {{"close", 2}}});
    check_ranges("posix", {"close after a split", {"w0-30", "u10-20", "c"}, 0, 1, {{"close", 1}}});
    check_ranges("ofd", {"close", {"w0-10", "c", "u0-10"}, 0, 1, {{"unlock", 1}}});
}

TEST_CASE("asking flock for the mode that is held is no conversion", "[regions]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const std::string script = "open(F, '>', $ARGV[0]);"
                               "flock(F, $_) for (LOCK_EX, LOCK_EX, LOCK_SH, LOCK_SH, LOCK_UN)";
    const RecordedRun run =
        flockstat_run({.argv = {"perl", "-MFcntl=:flock", "-e", script, path}}, base / "run");
    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["granted"] == 4);
    CHECK(lock["region"]["count"] == 2);
    check_released(lock, {{"converted", 1}, {"unlock", 1}});
}

TEST_CASE("closing a range of descriptors ends what they held, and frees their numbers for other files",
          "[regions]") {
    const TempDirectory base;
    const std::string script = "import os, fcntl\n"
                               "a = os.open('a', os.O_RDWR | os.O_CREAT); fcntl.flock(a, fcntl.LOCK_EX)\n"
                               "os.closerange(3, 256)\n"
                               "b = os.open('b', os.O_RDWR | os.O_CREAT); fcntl.flock(b, fcntl.LOCK_EX)\n"
                               "fcntl.flock(b, fcntl.LOCK_UN)\n"
                               "print(a == b)\n";
    const RecordedRun run =
        flockstat_run({.argv = {"/usr/bin/python3", "-c", script}, .directory = base.path()}, base / "run");
    REQUIRE(run.outcome.out == "True\n");
    check_released(lock_of(run.report, base / "a", "flock"), {{"close", 1}});
    check_released(lock_of(run.report, base / "b", "flock"), {{"unlock", 1}});
}
