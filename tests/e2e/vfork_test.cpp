#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Children that run in their parent's memory: tests/programs/vfork_locks.c. At each step the kernel's list of
// locks is compared with the report of the live run.

namespace {

struct Case {
    const char *what;
    Ends path;  ///< how the regions of the file end
    Ends other; ///< and of the other one
    int lost;   ///< calls that are not recorded: on open files of the child's own
};

const Ends once = {{"unlock", 1}};

void check_child(const Case &a_case, const std::string &maker, const std::string &ending,
                 const std::string &family, const std::string &but_at = {}) {
    INFO(maker << " " << ending << " " << a_case.what << " " << family);
    const TempDirectory base;
    const json report = run_checkpoints(
        {program("vfork_locks"), maker, ending, a_case.what, base / "l", base / "other", family},
        base / "run", but_at);
    check_released(lock_of(report, base / "l", family), a_case.path);
    check_released(lock_of(report, base / "other", family), a_case.other);
    CHECK(report["lost"]["calls"] == a_case.lost);
}

const Case cases[] = {
    {"unlock", once, once, 0}, {"unlock_copy", once, once, 0},
    {"close", once, once, 0},  {"close_all", once, once, 0},
    {"dup2", once, once, 0},   {"relock", {{"converted", 1}, {"unlock", 1}}, once, 0},
    {"reopen", once, once, 2},
};

} // namespace

TEST_CASE("what a child in its parent's memory does to shared locks is seen, and nothing else", "[vfork]") {
    for (const Case &a_case : cases) {
        for (const char *family : {"flock", "ofd"}) {
            check_child(a_case, "vfork", "exit", family);
            check_child(a_case, "clone", "exec", family);
        }
    }
    check_child(cases[0], "vfork", "exec", "flock");
    check_child(cases[0], "clone", "exit", "flock");
}

TEST_CASE("a child in its parent's memory has posix locks of its own", "[vfork]") {
    for (const char *maker : {"vfork", "clone"}) {
        check_child({"unlock", once, once, 1}, maker, "exit", "posix");
        check_child({"close", once, once, 0}, maker, "exec", "posix");
        check_child({"dup2", once, once, 1}, maker, "exit", "posix");
    }
}

TEST_CASE("what a process does that runs in another's memory beside it is not taken for that one's",
          "[vfork]") {
    const Ends lost = {{"unknown", 1}};
    const Case beside[] = {
        {"close", once, once, 0},  {"close_all", once, once, 0},
        {"unlock", lost, once, 1}, // the lender does not learn of it before its own next call
        {"dup2", once, lost, 1},   {"relock", {{"unknown", 1}}, once, 1},
    };
    for (const char *family : {"flock", "ofd"}) {
        for (const Case &a_case : beside)
            check_child(a_case, "lent", "exit", family, a_case.lost != 0 ? "after the child" : "");
        check_child(beside[0], "syscall", "exec", family);
    }
    check_child({"unlock", once, once, 1}, "lent", "exit", "posix");
    check_child({"close", once, once, 0}, "syscall", "exec", "posix");
}
