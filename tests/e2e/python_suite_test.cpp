// CPython's own tests (Debian: libpython3.11-testsuite), bare and recorded.
#include <set>
#include <sstream>

#include "tests/support/e2e.h"
#include "tests/support/pythons.h"
#include "tests/support/soak.h"

using namespace flockstat::test;

namespace {

/// How a test module ended.
struct Verdict {
    std::string ran; ///< "Ran 11 tests"
    std::set<std::string> failed;
};

/// What unittest says at the end: a line of how many it ran, and before it a heading for each that failed.
Verdict verdict_of(const Outcome &outcome) {
    INFO(outcome.err);
    REQUIRE(!outcome.timed_out);
    Verdict verdict;
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("Ran ")) {
            verdict.ran = line.substr(0, line.find(" in "));
        }
        if (line.starts_with("FAIL: ") || line.starts_with("ERROR: ")) {
            verdict.failed.insert(line);
        }
    }
    REQUIRE(verdict.ran.size() > std::string("Ran 0 tests").size() - 1);
    return verdict;
}

/// What passes bare passes recorded.
void check_module(const std::string &interpreter, const std::string &module) {
    INFO(interpreter << " " << module);
    const TempDirectory base;
    const Command tests{.argv = {interpreter, "-m", "unittest", "test." + module},
                        .directory = base.path(),
                        .limit = std::chrono::seconds(500)};
    Process beside(tests); // most of their time they wait
    const Verdict recorded = verdict_of(run_command(under_flockstat(tests, base / "run")));
    const Verdict bare = verdict_of(beside.wait());
    CHECK(recorded.ran == bare.ran);
    CHECK(bare.ran != "Ran 0 tests");
    for (const std::string &failed : recorded.failed) {
        INFO(failed);
        CHECK(bare.failed.contains(failed));
    }
}

} // namespace

TEST_CASE("CPython's own tests of fcntl pass", "[python]") {
    for (const std::string &interpreter : interpreters()) {
        check_module(interpreter, "test_fcntl");
    }
}

TEST_CASE("CPython's own tests of fcntl, processes, threads and garbage collection", "[.soak]") {
    const std::vector<std::string> modules = {
        "test_fcntl",     "test_subprocess", "test_multiprocessing_fork",
        "test_threading", "test_gc",         "test_mailbox"};
    for (const std::string &interpreter : interpreters()) {
        for (const std::string &module : modules)
            check_module(interpreter, module);
    }
    soak_row(std::to_string(modules.size()) + " test modules", "what passes without passes with it");
}
