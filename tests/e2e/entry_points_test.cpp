#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What tests/programs/entry_points.c does, it says at its top.

namespace {

struct Entry {
    const char *name;
    const char *family;
    int tests;
    bool has_shared;
};

void check_entry(const Entry &entry, const std::vector<std::string> &options) {
    INFO(entry.name << (options.empty() ? "" : " with " + options.front()));
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run =
        flockstat_run({.argv = {program("entry_points"), entry.name, path}}, base / "run", options);
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    REQUIRE(run.report["locks"].size() == 1);
    const json lock = lock_of(run.report, path, entry.family);
    CHECK(lock["attempts"] == 9);
    CHECK(lock["granted"] == 6);
    CHECK(lock["refused"] == 2);
    CHECK(lock["interrupted"] == 1);
    CHECK(lock["deadlocked"] == 0);
    CHECK(lock["failed"] == 0);
    CHECK(lock["tests"] == entry.tests);
    CHECK(lock["unlocks"] == 6);
    CHECK(lock["acquisitions"] == 6);
    if (options.empty()) // without the probe a call that a busy machine delays looks as if it had waited
        CHECK(lock["contended"] == 0);
    CHECK(lock["shared"]["enter"]["count"] == (entry.has_shared ? 2 : 0));
    CHECK(lock["exclusive"]["enter"]["count"] == (entry.has_shared ? 4 : 6));
    CHECK(lock["shared"]["region"]["count"] == (entry.has_shared ? 2 : 0));
    CHECK(lock["region"]["count"] == 6);
    CHECK(lock["exit"]["count"] == 6);
    CHECK(lock["released"]["unlock"] == 6);
    CHECK(run.report["processes"].size() == 2);
    CHECK(run.report["run"]["processes"] == 2);
}

const Entry entries[] = {
    {"flock", "flock", 0, true},         {"syscall_flock", "flock", 0, true},
    {"fcntl", "posix", 2, true},         {"fcntl64", "posix", 2, true},
    {"lockf", "posix", 2, false},        {"lockf64", "posix", 2, false},
    {"syscall_fcntl", "posix", 2, true}, {"fcntl_ofd", "ofd", 2, true},
    {"fcntl64_ofd", "ofd", 2, true},     {"syscall_fcntl_ofd", "ofd", 2, true},
};

} // namespace

TEST_CASE("every entry point counts attempts, ends, tests and unlocks", "[entry]") {
    for (const Entry &entry : entries)
        check_entry(entry, {});
}

TEST_CASE("every entry point counts the same without the probe", "[entry]") {
    for (const Entry &entry : entries)
        check_entry(entry, {"--no-probe"});
}

TEST_CASE("a deadlock between two processes is counted once, and the other waits and goes on", "[entry]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run({.argv = {program("deadlock"), path}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    REQUIRE(run.outcome.out == "deadlocks 1\n");
    const json lock = lock_of(run.report, path, "posix");
    CHECK(lock["attempts"] == 4);
    CHECK(lock["granted"] == 3);
    CHECK(lock["deadlocked"] == 1);
    CHECK(lock["contended"] == 1);
    CHECK(lock["wait"]["count"] == 1);
    CHECK(lock["unlocks"] == 3);
}

TEST_CASE("calls on descriptors that are not open are counted, but on no file", "[entry]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run({.argv = {program("bad_calls"), base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    for (const char *family : {"flock", "posix", "ofd"}) {
        INFO(family << run.report["unattributed"].dump(1));
        const json lost = run.report["unattributed"][family];
        CHECK(lost["attempts"].get<int>() >= 1);
        CHECK(lost["errors"]["EBADF"].get<int>() >= 1);
    }
}
