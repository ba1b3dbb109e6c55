// Open file descriptions that go on in processes which are not easily found: under other numbers, in orphans,
// in messages, as mappings. Steps and bounds as in processes_test.cpp.
#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"
#include "tests/support/relay.h"

#include <fstream>
#include <regex>

using namespace flockstat::test;

TEST_CASE("a co-holder is found under whatever number it has the lock", "[holders]") {
    check_description_relays({
        {"moved by the child", "a.open a.lock a.fork=b b.move a.close held !b.close free", {{"close", 1}}},
        {"moved, and then another program",
         "a.open a.lock a.cloexec a.fork=b b.move b.exec a.close held !b.exit free",
         {{"exit", 1}}},
        {"moved by posix_spawn", "a.open a.lock a.spawnas=b a.close held !b.close free", {{"close", 1}}},
        {"the parent moved it and exits",
         "a.open a.lock a.fork=b a.move a.exit held !b.exit free",
         {{"exit", 1}}},
        {"back to the parent that moved it",
         "a.open a.fork=b a.move b.lock b.exit held !a.close free",
         {{"close", 1}}},
        {"moved, and gone", "a.open a.lock a.fork=b b.move b.close !a.close free", {{"close", 1}}},
    });
}

TEST_CASE("a co-holder is found when those between are gone", "[holders]") {
    check_description_relays({
        {"a child's child",
         "a.open a.lock a.fork=b b.fork=c b.exit a.close held !c.close free",
         {{"close", 1}}},
        {"of a program that did not know",
         "a.open a.lock a.fork=b b.exec b.fork=c b.exit a.close held !c.close free",
         {{"close", 1}}},
        {"a program started by one that did not know",
         "a.open a.lock a.spawn=b b.spawn=c b.exit a.exit held !c.exit free",
         {{"exit", 1}}},
        {"by vfork", "a.open a.lock a.vfork=b b.vfork=c b.exit a.exit held !c.exit free", {{"exit", 1}}},
        {"by a clone that libc knows nothing of",
         "a.open a.lock a.spawn=b b.clone=c b.exit a.exit held !c.exit free",
         {{"exit", 1}}},
        {"which closes it",
         "a.open a.lock a.spawn=b b.clone=c b.exit a.exit held !c.close free",
         {{"close", 1}}},
        {"which moved it",
         "a.open a.lock a.spawn=b b.fork=c c.move b.exit a.exit held !c.exit free",
         {{"exit", 1}}},
        {"whose parent was killed",
         "a.open a.lock a.spawn=b b.fork=c b.kill a.exit held !c.exit free",
         {{"exit", 1}}},
        {"all gone", "a.open a.lock a.spawn=b b.fork=c b.exit c.exit !a.exit free", {{"exit", 1}}},
    });
}

TEST_CASE("co-holders are found where the kernel compares no descriptors", "[holders]") {
    const std::string around = program("without_kcmp");
    check_description_relays(
        {
            {"the parent first", "a.open a.lock a.fork=b a.close held !b.close free", {{"close", 1}}},
            {"moved by the child",
             "a.open a.lock a.fork=b b.move a.close held !b.close free",
             {{"close", 1}}},
            {"an orphan",
             "a.open a.lock a.spawn=b b.fork=c c.move b.exit a.exit held !c.exit free",
             {{"exit", 1}}},
            {"a child that opened the file itself",
             "a.open a.lock a.fork=b b.close b.open !a.close free b.close",
             {{"close", 1}}},
            {"nobody else", "a.open a.lock a.fork=b b.close !a.close free", {{"close", 1}}},
            {"back to the parent", "a.open a.fork=b b.lock b.exit held !a.close free", {{"close", 1}}},
            {"a shared lock could be another one",
             "a.open a.shared a.fork=b a.close held b.close free",
             {{"unknown", 1}}},
        },
        around);
}

TEST_CASE("a lock that a message keeps has no known end, unless a close took it away", "[holders]") {
    check_description_relays({
        {"under way", "a.open a.lock a.send a.close held a.take a.close free", {{"unknown", 1}}},
        {"taken by a child that had closed it",
         "a.open a.lock a.fork=b a.send b.close b.take a.close held !b.close free",
         {{"close", 1}}},
        {"taken by a sibling",
         "a.fork=b a.open a.lock a.send b.take a.close held !b.close free",
         {{"close", 1}}},
        {"taken by a sibling that exits",
         "a.fork=b a.open a.lock a.send b.take a.close held b.exit free",
         {{"unknown", 1}}},
        {"taken, and closed there first",
         "a.fork=b a.open a.lock a.send b.take b.close held !a.close free",
         {{"close", 1}}},
        {"replaced by another file",
         "a.fork=b a.open a.lock a.send b.take b.close held !a.replace free",
         {{"close", 1}}},
        {"as one of a range of descriptors",
         "a.fork=b a.open a.lock a.send b.take b.close held !a.range free",
         {{"close", 1}}},
        {"as one of a range, and under way",
         "a.open a.lock a.send a.range held a.take a.close free",
         {{"unknown", 1}}},
        {"unlocked by who took it",
         "a.fork=b a.open a.lock a.send b.take a.close held !b.unlock free b.close",
         {{"unlock", 1}}},
        {"unlocked by who sent it",
         "a.fork=b a.open a.lock a.send b.take !a.unlock free a.close b.close",
         {{"unlock", 1}}},
        {"locked by who took it",
         "a.fork=b a.open a.send b.take b.lock b.close held !a.unlock free",
         {{"unlock", 1}}},
    });
}

TEST_CASE("a lock that another process's mapping keeps has no known end", "[holders]") {
    check_description_relays({
        {"a child's", "a.open a.lock a.fork=b b.map b.close a.close held b.unmap free", {{"unknown", 1}}},
        {"a program's that it was started with",
         "a.open a.lock a.spawn=b b.map b.close a.exit held b.unmap free",
         {{"unknown", 1}}},
        {"inherited by a child",
         "a.open a.map a.lock a.fork=b b.close a.unmap a.close held b.unmap free",
         {{"unknown", 1}}},
        {"inherited by a child, the parent exits",
         "a.open a.map a.lock a.fork=b b.close a.exit held b.unmap free",
         {{"unknown", 1}}},
        {"undone in time", "a.open a.lock a.fork=b b.map b.close b.unmap !a.close free", {{"close", 1}}},
    });
}

TEST_CASE("processes of another pid namespace are not asked, and not overlooked", "[holders]") {
    check_description_relays({
        {"here first", "a.open a.lock a.elsewhere a.fork=b a.close held b.close free", {{"unknown", 1}}},
        {"there first", "a.open a.lock a.elsewhere a.fork=b b.close held !a.close free", {{"close", 1}}},
        {"unlocked there",
         "a.open a.lock a.elsewhere a.fork=b !b.unlock free b.close a.close",
         {{"unlock", 1}}},
        {"unlocked here",
         "a.open a.lock a.elsewhere a.fork=b !a.unlock free b.close a.close",
         {{"unlock", 1}}},
        {"locked there", "a.open a.elsewhere a.fork=b b.lock b.close held a.close free", {{"unknown", 1}}},
    });
}

TEST_CASE("a close looks through few processes of many, and still says what it released", "[holders]") {
    for (const char *family : {"flock", "ofd"}) {
        INFO(family);
        const TempDirectory base;
        const std::string trace = base / "trace";
        const RecordedRun run =
            flockstat_run({.argv = {"strace", "-qq", "-e", "trace=newfstatat", "-o", trace,
                                    program("crowd_close"), family, base / "l", "150"}},
                          base / "run");
        REQUIRE(run.outcome.status == 0);
        check_released(lock_of(run.report, base / "l", family), {{"close", 1}});
        std::ifstream lines(trace);
        int listed = 0;
        for (std::string line; std::getline(lines, line);)
            listed += std::regex_search(line, std::regex("\"/proc/[0-9]+/fd\"")) ? 1 : 0;
        CHECK(listed == 64);
    }
}
