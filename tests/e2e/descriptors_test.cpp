#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// What programs do with the descriptors of files that they lock: the kernel's own list of locks (/proc/locks)
// against the report of the live run, at each step of tests/programs/duplicates.c and closes.c; then the ends
// of the regions.

namespace {

json run_case(const TempDirectory &base, const char *name, const std::string &which,
              const std::string &but_at = {}) {
    return run_checkpoints({program(name), which, base / "l", base / "other"}, base / "run", but_at);
}

void check_case(const char *name, const std::string &which, const std::string &family, const Ends &expected) {
    INFO(which);
    const TempDirectory base;
    check_released(lock_of(run_case(base, name, which), base / "l", family), expected);
}

// Through libc, past it, and by what hands out descriptors.
const char *const seen_duplicates[] = {"dup",     "dup2",    "dup3",     "F_DUPFD",  "F_DUPFD_CLOEXEC",
                                       "fcntl64", "SYS_dup", "SYS_dup2", "SYS_dup3", "SYS_fcntl"};
const char *const unseen_duplicates[] = {"unseen", "pidfd_getfd", "SCM_RIGHTS"};

const char *const ways_to_close[] = {"close",           "SYS_close", "close_range", "CLOSE_RANGE_UNSHARE",
                                     "SYS_close_range", "closefrom", "fclose",      "freopen",
                                     "freopen64",       "endmntent", "dup2",        "dup3"};

} // namespace

TEST_CASE("a lock is held until its last duplicate is closed", "[descriptors]") {
    for (const char *way : seen_duplicates)
        check_case("duplicates", std::string("close:") + way, "flock", {{"close", 1}});
}

TEST_CASE("any duplicate unlocks", "[descriptors]") {
    for (const char *way : seen_duplicates)
        check_case("duplicates", std::string("unlock:") + way, "flock", {{"unlock", 1}});
    for (const char *way : unseen_duplicates)
        check_case("duplicates", std::string("unlock:") + way, "flock", {{"unlock", 1}});
}

TEST_CASE("duplicates from before the first lock call are one owner", "[descriptors]") {
    for (const char *way : seen_duplicates) {
        check_case("duplicates", std::string("first:") + way, "flock", {{"unlock", 1}});
    }
    for (const char *way : {"dup", "F_DUPFD_CLOEXEC", "SYS_dup2"}) {
        check_case("duplicates", std::string("later:") + way, "flock", {{"converted", 1}, {"unlock", 1}});
        check_case("duplicates", std::string("ofd:") + way, "ofd", {{"converted", 1}, {"unlock", 1}});
    }
}

TEST_CASE("duplicates that nobody saw being made are one owner", "[descriptors]") {
    for (const char *way : unseen_duplicates) {
        check_case("duplicates", std::string("later:") + way, "flock", {{"converted", 1}, {"unlock", 1}});
        check_case("duplicates", std::string("ofd:") + way, "ofd", {{"converted", 1}, {"unlock", 1}});
    }
}

TEST_CASE("a duplicate onto a locked descriptor closes that", "[descriptors]") {
    for (const char *way : {"dup2", "dup3", "SYS_dup2", "SYS_dup3"}) {
        INFO(way);
        const TempDirectory base;
        const json report = run_case(base, "duplicates", std::string("onto:") + way);
        check_released(lock_of(report, base / "l", "flock"), {{"unlock", 1}});
        check_released(lock_of(report, base / "other", "flock"), {{"close", 1}});
    }
}

TEST_CASE("whatever closes a descriptor ends what it held", "[descriptors]") {
    for (const char *way : ways_to_close)
        check_case("closes", std::string("locked:") + way, "flock", {{"close", 1}});
    check_case("closes", "closedir", "flock", {{"close", 1}});
    check_case("closes", "pclose", "flock", {{"close", 1}});
}

TEST_CASE("whatever closes a descriptor of the file drops its posix locks", "[descriptors]") {
    for (const char *way : ways_to_close)
        check_case("closes", std::string("stranger:") + way, "posix", {{"close", 1}});
}

TEST_CASE("what looks like a close and closes nothing", "[descriptors]") {
    check_case("closes", "CLOSE_RANGE_CLOEXEC", "flock", {{"exec", 1}});
    check_case("closes", "SYS_close_range_CLOEXEC", "flock", {{"exec", 1}});
    check_case("closes", "thread_unshares", "flock", {{"unlock", 1}});
    check_case("closes", "fcloseall", "flock", {{"exit", 1}});
    check_case("closes", "O_PATH", "posix", {{"unlock", 1}});
}

TEST_CASE("two opens of one file are two owners of all but posix locks", "[descriptors]") {
    const TempDirectory base;
    const json report = run_case(base, "closes", "two_opens");
    check_released(lock_of(report, base / "l", "flock"), {{"close", 1}, {"unlock", 1}});
    check_released(lock_of(report, base / "l", "ofd"), {{"close", 1}, {"unlock", 1}});
    check_released(lock_of(report, base / "l", "posix"), {{"unlock", 1}});
}

TEST_CASE("a file opened through /proc/self/fd is another owner", "[descriptors]") {
    check_case("closes", "opened_again", "flock", {{"close", 1}, {"unlock", 1}});
}

TEST_CASE("a close that nobody saw is found when the number is used again", "[descriptors]") {
    const TempDirectory base;
    const json report = run_case(base, "closes", "unseen_close");
    const json gone = lock_of(report, base / "l", "flock");
    check_released(gone, {{"unknown", 1}});
    CHECK(gone["region"]["count"] == 0);
    CHECK(gone["held_open_ns"].get<std::int64_t>() <= 10'000'000); // no longer than it was known to be
    check_released(lock_of(report, base / "other", "flock"), {{"unlock", 1}});
}

TEST_CASE("a mapping keeps the lock after the last close, until nobody knows when", "[descriptors]") {
    for (const auto &[which, family] : {std::pair("mapped", "flock"), std::pair("mapped_before", "ofd")}) {
        INFO(which);
        const TempDirectory base;
        const json report = run_case(base, "closes", which, "the mapping holds it");
        const json lock = lock_of(report, base / "l", family);
        check_released(lock, {{"unknown", 1}});
        CHECK(lock["region"]["count"] == 0);
        CHECK(lock["exit"]["count"] == 0);
    }
    check_case("closes", "unmapped", "flock", {{"close", 1}});
}

TEST_CASE("a new file with the inode number of an old one is another lock", "[descriptors]") {
    const TempDirectory base;
    const json report = run_case(base, "closes", "reused_inode");
    REQUIRE(report["locks"].size() == 2);
    const bool first_closed = report["locks"][0]["released"]["close"] == 1;
    check_released(report["locks"][first_closed ? 0 : 1], {{"close", 1}});
    check_released(report["locks"][first_closed ? 1 : 0], {{"unlock", 1}});
}
