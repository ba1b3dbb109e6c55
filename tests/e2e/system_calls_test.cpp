#include <sys/syscall.h>

#include <map>
#include <regex>
#include <sstream>

#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;

// The system calls that flockstat adds to a program's are those that shim/README.md lists, and a program goes
// on where each of them is forbidden. The truth about them is strace's.

namespace {

/// How often each system call was made, by name.
std::map<std::string, int> traced(const Command &command, const std::filesystem::path &log,
                                  const std::vector<std::string> &options) {
    Command wrapped = command;
    std::vector<std::string> prefix = {"strace", "-f", "-qq", "-o", log};
    prefix.insert(prefix.end(), options.begin(), options.end());
    wrapped.argv.insert(wrapped.argv.begin(), prefix.begin(), prefix.end());
    const Outcome outcome = run_command(wrapped);
    INFO(outcome.err);
    REQUIRE_FALSE(outcome.timed_out);
    std::map<std::string, int> counts;
    std::istringstream lines(read_file(log));
    std::string pid;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string call;
        words >> pid >> call;
        if (const std::size_t end = call.find('('); end != std::string::npos)
            ++counts[call.substr(0, end)];
    }
    return counts;
}

std::string listed_calls() {
    const std::string text = read_file("shim/README.md");
    const std::size_t begin = text.find("## System calls of our own");
    REQUIRE(begin != std::string::npos);
    return text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

bool lists(const std::string &text, const std::string &name) {
    return std::regex_search(text, std::regex("\\b" + name + "\\b"));
}

void check_added(const std::vector<std::string> &argv, const std::string &listed) {
    INFO(argv[0] << " " << argv[1]);
    const TempDirectory base;
    const Command command{.argv = argv, .directory = base.path()};
    const auto bare = traced(command, base / "bare", {});
    const auto ours =
        traced(command, base / "ours",
               {"-E", "LD_PRELOAD=" + shim_path().string(), "-E", "FLOCKSTAT_DIR=" + (base / "run").string(),
                "-E", "FLOCKSTAT_ARENA_DIR=" + base.path().string()});
    CHECK(ours.at("flock") >= bare.at("flock"));
    CHECK(ours.contains("madvise")); // flockstat was there
    for (const auto &[name, count] : ours) {
        const auto without = bare.find(name);
        const bool added = without == bare.end() || count > without->second;
        // The dynamic loader makes our object's relocations read-only; locks themselves are probed.
        if (added && name != "mprotect" && name != "flock" && name != "fcntl") {
            INFO(name);
            CHECK(lists(listed, name));
        }
    }
}

struct Call {
    const char *name;
    long number;
};

// All of them that a program makes which goes on with flock and close alone.
const Call calls[] = {
    {"openat", SYS_openat},
    {"newfstatat", SYS_newfstatat},
    {"statx", SYS_statx},
    {"fstatfs", SYS_fstatfs},
    {"readlinkat", SYS_readlinkat},
    {"faccessat", SYS_faccessat},
    {"fcntl", SYS_fcntl},
    {"kcmp", SYS_kcmp},
    {"mmap", SYS_mmap},
    {"munmap", SYS_munmap},
    {"madvise", SYS_madvise},
    {"read", SYS_read},
    {"getdents64", SYS_getdents64},
    {"uname", SYS_uname},
    {"prlimit64", SYS_prlimit64},
    {"gettid", SYS_gettid},
    {"getpid", SYS_getpid},
    {"getppid", SYS_getppid},
    {"getuid", SYS_getuid},
    {"geteuid", SYS_geteuid},
    {"kill", SYS_kill},
    {"rt_sigprocmask", SYS_rt_sigprocmask},
    {"sigaltstack", SYS_sigaltstack},
    {"lseek", SYS_lseek},
    {"sched_yield", SYS_sched_yield},
    {"nanosleep", SYS_nanosleep},
    {"statfs", SYS_statfs},
    {"getcwd", SYS_getcwd},
    {"getrandom", SYS_getrandom},
    {"mkdirat", SYS_mkdirat},
    {"symlinkat", SYS_symlinkat},
    {"ftruncate", SYS_ftruncate},
    {"fallocate", SYS_fallocate},
    {"linkat", SYS_linkat},
    {"unlinkat", SYS_unlinkat},
    {"write", SYS_write},
    {"pwrite64", SYS_pwrite64},
    {"renameat", SYS_renameat},
};

/// One call is forbidden once the program runs: its locks answer as ever, and are recorded or counted as
/// lost.
void check_forbidden(const Call &call) {
    INFO(call.name);
    const TempDirectory base;
    const Command command{
        .argv = {program("tight_limits"), base / "l", "deny:" + std::to_string(call.number)},
        .directory = base.path()};
    const Outcome outcome = run_command(under_flockstat(command, base / "run"));
    INFO(outcome.err);
    CHECK(outcome.status == 4);
    CHECK(outcome.err.empty());
    const json report = read_report(base / "run");
    const json &unattributed = report["unattributed"]["flock"];
    std::int64_t counted =
        report["lost"]["calls"].get<std::int64_t>() + sum_of(unattributed, {"attempts", "unlocks"});
    for (const json &lock : report["locks"])
        counted += sum_of(lock, {"attempts", "unlocks"});
    CHECK(counted == 6);
    CHECK(run_command(preloaded(command, base / "bare")).status == 4);
}

void check_all_forbidden() {
    const std::string listed = listed_calls();
    for (const Call &call : calls) {
        CHECK(lists(listed, call.name));
        check_forbidden(call);
    }
}

} // namespace

TEST_CASE("the system calls that are added are those that the shim's page lists", "[calls]") {
    const std::string listed = listed_calls();
    check_added({program("every_function"), "l"}, listed);
    for (const char *how : {"return", "_exit", "exec", "abort"})
        check_added({program("end_by"), how, "l", "3"}, listed);
    check_added({program("duplicates"), "close:dup", "l", "other"}, listed);
    check_added({program("closes"), "mapped", "l", "other"}, listed);
    check_added({program("conversions"), "l"}, listed);
}

TEST_CASE("a program goes on where one of the added system calls is forbidden", "[calls]") {
    check_all_forbidden();
}

TEST_CASE("a filter that answers EPERM to one of the system calls that flockstat adds", "[.soak]") {
    for (int i = 0; i < 3; ++i)
        check_all_forbidden();
    soak_row(std::to_string(std::size(calls)) + " system calls, 6 times each",
             "the program runs on; each call is recorded, or counted as lost");
}
