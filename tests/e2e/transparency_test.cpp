#include <dlfcn.h>

#include <sstream>

#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;

// A program must not notice. Each runs bare, preloaded and under `flockstat run`, in a fresh directory of the
// same name, and must say and end the same.

namespace {

// `silent` false: the shim may say on stderr, in lines of its own, that it cannot record.
struct Case {
    std::string name;
    std::vector<std::string> arguments;
    bool silent = true;
};

std::string without_our_lines(const std::string &text) {
    std::istringstream lines(text);
    std::string rest;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("flockstat: "))
            rest += line + "\n";
    }
    return rest;
}

void check_same(const Outcome &bare, const Outcome &ours, const Case &test) {
    CHECK(ours.out == bare.out);
    CHECK((test.silent ? ours.err : without_our_lines(ours.err)) == bare.err);
    CHECK(ours.status == bare.status);
}

void check_transparent(const Case &test) {
    INFO(test.name << " " << (test.arguments.size() > 1 ? test.arguments.back() : ""));
    const TempDirectory base;
    const std::filesystem::path work = base / "work";
    Command command{.argv = {program(test.name)}};
    command.argv.insert(command.argv.end(), test.arguments.begin(), test.arguments.end());
    command.directory = work;
    const auto fresh = [&](const Command &wrapped) {
        std::filesystem::remove_all(work);
        std::filesystem::create_directory(work);
        return run_command(wrapped);
    };
    const Outcome bare = fresh(command);
    REQUIRE_FALSE(bare.timed_out);
    {
        INFO("preloaded");
        const Outcome ours = fresh(preloaded(command, base / "preload"));
        check_same(bare, ours, test);
        CHECK(ours.signal == bare.signal);
    }
    {
        INFO("under flockstat run");
        check_same(bare, fresh(under_flockstat(command, base / "run")), test);
    }
    {
        INFO("under flockstat run --no-probe");
        check_same(bare, fresh(under_flockstat(command, base / "no-probe", {"--no-probe"})), test);
    }
}

const char *const limits[] = {"none",   "nofile", "fsize",  "as",    "memlock",
                              "chroot", "uid",    "userns", "eperm", "enosys"};

void check_limits() {
    for (const std::string limit : limits) {
        INFO(limit);
        const TempDirectory base;
        const RecordedRun run = flockstat_run(
            {.argv = {program("tight_limits"), base / "l", limit}, .directory = base.path()}, base / "run");
        CHECK(run.outcome.status == 4);
        std::int64_t attempts = run.report["unattributed"]["flock"]["attempts"];
        std::int64_t unlocks = run.report["unattributed"]["flock"]["unlocks"];
        if (limit != "eperm" && limit != "enosys") { // the kernel tells who the file is
            CHECK(attempts + unlocks == 0);
            for (const json &lock : run.report["locks"]) { // one, named by its number in a root without /proc
                CHECK((lock["path"] == (base / "l").string() || limit == "chroot"));
                CHECK(lock["region"]["count"] == 3);
                attempts += lock["attempts"].get<std::int64_t>();
                unlocks += lock["unlocks"].get<std::int64_t>();
            }
        }
        CHECK(attempts + unlocks + run.report["lost"]["calls"].get<std::int64_t>() == 6);
    }
}

} // namespace

TEST_CASE("junk calls return what they return without us", "[transparency]") {
    check_transparent({"bad_calls", {"l"}});
}

TEST_CASE("every function that we stand in for answers as it does without us", "[transparency]") {
    check_transparent({"every_function", {"l"}});
}

TEST_CASE("the program of every function calls every function", "[transparency]") {
    const Outcome exported = run_command(shell("nm -D --defined-only " + shim_path().string()));
    REQUIRE(exported.status == 0);
    const TempDirectory base;
    const Outcome called = run_command({.argv = {program("every_function"), base / "l"}});
    REQUIRE(called.status == 0);
    const std::string lines = "\n" + called.out;
    std::istringstream symbols(exported.out);
    int functions = 0;
    for (std::string address, type, name; symbols >> address >> type >> name;) {
        if (dlsym(RTLD_DEFAULT, name.c_str()) == nullptr)
            continue; // no function of libc
        INFO(name);
        // "NAME:" or "NAME how:" at the beginning of a line.
        CHECK((lines.find("\n" + name + ":") != std::string::npos ||
               lines.find("\n" + name + " ") != std::string::npos));
        ++functions;
    }
    CHECK(functions > 30);
}

// Programs that print what the kernel holds for them step by step, or what their calls answered.
TEST_CASE("the kernel holds for a program what it holds without us", "[transparency]") {
    for (const char *which :
         {"locked:close_range", "locked:freopen", "locked:endmntent", "stranger:closefrom", "stranger:dup2",
          "CLOSE_RANGE_CLOEXEC", "thread_unshares", "pclose", "closedir", "fcloseall", "two_opens",
          "opened_again", "unseen_close", "O_PATH", "mapped", "mapped_before", "unmapped"})
        check_transparent({"closes", {which, "l", "other"}});
    for (const char *which : {"close:dup", "unlock:dup2", "first:F_DUPFD", "later:unseen", "ofd:pidfd_getfd",
                              "close:SCM_RIGHTS", "onto:dup2", "onto:dup3"})
        check_transparent({"duplicates", {which, "l", "other"}});
    check_transparent({"conversions", {"l"}});
    for (const char *family : {"flock", "posix", "ofd"}) {
        check_transparent({"threads", {"hand_over", "l", family}});
        check_transparent({"threads", {"ends", "l", family}});
    }
}

TEST_CASE("calls that are interrupted or refused answer as they do without us", "[transparency]") {
    for (const char *family : {"flock", "posix", "ofd", "lockf"}) {
        for (const char *which : {"eintr", "restart", "jump", "async"})
            check_transparent({"interrupted", {which, family, "l"}});
    }
    check_transparent({"deadlock", {"l"}});
    check_transparent({"glibc_locks", {"l"}, false}); // the command says that it saw nothing
    check_transparent({"own_flock", {"none", "l"}, false});
    for (const char *how : {"syscall", "next"})
        check_transparent({"own_flock", {how, "l"}});
    for (const char *entry : {"flock", "fcntl64", "lockf", "syscall_fcntl_ofd"})
        check_transparent({"entry_points", {entry, "l"}});
}

TEST_CASE("errno stays as it was when a call succeeds", "[transparency]") {
    check_transparent({"errno_kept", {"l"}});
}

TEST_CASE("descriptors, signals, threads and children are the program's own", "[transparency]") {
    check_transparent({"surroundings", {"l"}});
}

TEST_CASE("cancellation acts at the calls where it acts without us", "[transparency]") {
    check_transparent({"cancel", {"l"}});
}

TEST_CASE("a blocked call goes on after a handler that restarts it", "[transparency]") {
    check_transparent({"handler_unlocks", {"l"}});
}

TEST_CASE("locks before main and after it are the program's own", "[transparency]") {
    check_transparent({"early_and_late", {"l"}});
}

TEST_CASE("exec keeps what is held", "[transparency]") { check_transparent({"exec_keeps", {"l"}}); }

TEST_CASE("vfork children lock in their parent's memory", "[transparency]") {
    check_transparent({"vfork_child", {"l"}});
}

TEST_CASE("a program at its limits goes on at its limits", "[transparency]") {
    for (const char *limit : limits)
        check_transparent({"tight_limits", {"l", limit}, false});
}

TEST_CASE("what a program does at its limits is recorded, or counted as not", "[transparency]") {
    check_limits();
}

TEST_CASE("no descriptor, file size, memory or locked memory left; a chroot, a dropped uid, a user "
          "namespace, a filter "
          "that allows nothing else",
          "[.soak]") {
    constexpr int times = 10;
    for (int i = 0; i < times; ++i)
        check_limits();
    soak_row(std::to_string(std::size(limits)) + " limits, 10 times each",
             "the program runs on; each call is recorded, or counted as lost");
}

TEST_CASE("the ends of a program are its own", "[transparency]") {
    for (const char *how :
         {"return", "exit", "_exit", "_Exit", "quick_exit", "abort", "kill", "segv", "exec"})
        check_transparent({"end_by", {how, "l", "3"}});
}

TEST_CASE("a handler that locks while its thread locks loses no call", "[transparency]") {
    const TempDirectory base;
    const std::string main_lock = base / "l";
    const std::string handler_lock = base / "h";
    const RecordedRun run =
        flockstat_run({.argv = {program("handler_locks"), main_lock, handler_lock}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    std::istringstream numbers(run.outcome.out);
    std::int64_t in_main = 0;
    std::int64_t in_handler = 0;
    REQUIRE(numbers >> in_main >> in_handler);
    CHECK(run.report["lost"]["calls"] == 0);
    for (const auto &[path, pairs] : {std::pair(main_lock, in_main), std::pair(handler_lock, in_handler)}) {
        const json lock = lock_of(run.report, path, "flock");
        CHECK(lock["granted"] == pairs);
        CHECK(lock["unlocks"] == pairs);
        CHECK(lock["region"]["count"] == pairs);
    }
}

TEST_CASE("many threads of many processes lose no call", "[transparency]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run({.argv = {program("crowd"), path, "6", "8", "50"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    const json lock = lock_of(run.report, path, "flock");
    CHECK(lock["granted"] == 6 * 8 * 50);
    CHECK(lock["unlocks"] == 6 * 8 * 50);
    CHECK(lock["region"]["count"] == 6 * 8 * 50);
    CHECK(run.report["run"]["processes"] == 7);
}

TEST_CASE("five hundred short processes fit", "[transparency]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run({.argv = {program("crowd"), path, "500", "1", "2"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    CHECK(lock_of(run.report, path, "flock")["granted"] == 1000);
}
