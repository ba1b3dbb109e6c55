#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
namespace fs = std::filesystem;

// Programs with another allocator, a sanitizer, or preloads of others do and say the same with flockstat, and
// it sees their locks; so do programs that lock where few expect it.

namespace {

struct Case {
    std::string what;
    std::vector<std::string> argv;
    std::string preload = {};
    std::string locking_malloc = {};
};

Outcome run_fresh(const Command &command) {
    fs::remove_all(command.directory);
    fs::create_directory(command.directory);
    return run_command(command);
}

void check_case(const Case &test) {
    INFO(test.what << ": " << test.argv.back());
    const TempDirectory base;
    Command command{.argv = test.argv, .directory = base / "work"};
    if (!test.preload.empty())
        command.environment["LD_PRELOAD"] = test.preload;
    if (!test.locking_malloc.empty())
        command.environment["LOCKING_MALLOC"] = test.locking_malloc;
    const Outcome bare = run_fresh(command);
    INFO(bare.err);
    REQUIRE(bare.status == 0);
    const Outcome recorded = run_fresh(under_flockstat(command, base / "run"));
    CHECK(recorded.out == bare.out);
    CHECK(recorded.err == bare.err);
    CHECK(recorded.status == 0);
    const nlohmann::json report = read_report(base / "run");
    std::int64_t granted = 0;
    for (const nlohmann::json &lock : report["locks"])
        granted += lock["granted"].get<std::int64_t>();
    CHECK(granted > 0);
    CHECK(report["lost"]["calls"] == 0);
}

std::vector<std::string> crowd(const std::string &name) { return {program(name), "l", "3", "3", "30"}; }

std::vector<std::string> in_front(std::vector<std::string> wrapper, const std::vector<std::string> &argv) {
    wrapper.insert(wrapper.end(), argv.begin(), argv.end());
    return wrapper;
}

/// What needs no package of its own.
std::vector<Case> ordinary_cases() {
    return {
        {"AddressSanitizer", crowd("asan_crowd")},
        {"ThreadSanitizer", crowd("tsan_crowd")},
        {"malloc locks", crowd("crowd"), program("liblocking_malloc.so"), "m"},
        {"malloc locks",
         {"/usr/bin/python3", "-c", "import json, subprocess; print(len(json.dumps([1] * 99)))"},
         program("liblocking_malloc.so"),
         "m"},
        {"a library locks as it is loaded and unloaded",
         {program("loads"), "local", program("liblocker.so"), "l"}},
        {"fakeroot", in_front({"fakeroot"}, crowd("crowd"))},
    };
}

std::vector<Case> packaged_cases() {
    const std::vector<std::string> python = {
        "/usr/bin/python3", "-c",
        "import threading, fcntl\n"
        "def work():\n"
        "    for i in range(200):\n"
        "        with open('l', 'w') as f: fcntl.flock(f, fcntl.LOCK_EX); f.write('x' * i)\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]; print('done')"};
    const std::vector<std::string> sqlite = {"sqlite3", "l.db",
                                             "CREATE TABLE t(x); INSERT INTO t VALUES(1);"
                                             "SELECT * FROM t;"};
    std::vector<Case> cases;
    for (const auto &argv : {python, sqlite, crowd("crowd"), {program("every_function"), "l"}}) {
        cases.push_back({"jemalloc", argv, "libjemalloc.so.2"});
        cases.push_back({"tcmalloc", argv, "libtcmalloc_minimal.so.4"});
        cases.push_back({"libeatmydata", in_front({"eatmydata"}, argv)});
        cases.push_back({"fakeroot", in_front({"fakeroot"}, argv)});
        cases.push_back({"faketime", in_front({"faketime", "-f", "+10y x50"}, argv)});
    }
    return cases;
}

} // namespace

TEST_CASE("programs with sanitizers, and with locks in malloc and in dlopen", "[preloads]") {
    for (const Case &test : ordinary_cases())
        check_case(test);
}

TEST_CASE("ASAN_OPTIONS goes on saying what it said", "[preloads]") {
    const TempDirectory base;
    Command command = shell("flock l echo $ASAN_OPTIONS", base.path());
    command.environment["ASAN_OPTIONS"] = "verbosity=0:log_path=x";
    const Outcome outcome = run_command(under_flockstat(command, base / "run"));
    CHECK(outcome.out == "verify_asan_link_order=0:verbosity=0:log_path=x\n");
}

TEST_CASE("jemalloc, tcmalloc, ASan, TSan, libeatmydata, fakeroot, faketime; locks in malloc and dlopen",
          "[.soak]") {
    std::vector<Case> cases = ordinary_cases();
    for (const Case &test : packaged_cases())
        cases.push_back(test);
    for (int i = 0; i < 2; ++i) {
        for (const Case &test : cases)
            check_case(test);
    }
    soak_row(std::to_string(cases.size()) + " programs, 2 times each",
             "output, errors and exit status are the same");
}
