#include "tests/support/e2e.h"

#include <functional>

using namespace flockstat::test;
namespace fs = std::filesystem;

// The same deterministic command runs under strace without flockstat, and under flockstat with and without
// the probe, each time in a fresh directory of the same name. Both must have seen the same calls on the same
// files.

namespace {

struct Case {
    std::string script;                                      ///< runs with sh in the fresh directory
    std::function<void(const fs::path &)> prepare = nullptr; ///< puts its input files there
    std::string only;                                        ///< compare this file alone
};

Command in_fresh_directory(const Case &test, const fs::path &directory) {
    fs::remove_all(directory);
    fs::create_directory(directory);
    if (test.prepare)
        test.prepare(directory);
    return shell(test.script, directory);
}

LockCounts only(const std::string &file, const fs::path &directory, LockCounts counts) {
    if (!file.empty()) {
        std::erase_if(counts, [&](const auto &entry) { return entry.first.first != directory / file; });
    }
    return counts;
}

void check_as_strace(const Case &test) {
    const TempDirectory base;
    const fs::path work = base / "work";
    const StraceRun truth = strace_run(in_fresh_directory(test, work));
    INFO("the command's own output: " << truth.outcome.out << truth.outcome.err);
    REQUIRE_FALSE(truth.outcome.timed_out);
    const LockCounts expected = only(test.only, work, truth.counts);
    REQUIRE_FALSE(expected.empty());
    for (const char *option : {"", "--no-probe"}) {
        INFO("options: " << option);
        const std::vector<std::string> options =
            *option == '\0' ? std::vector<std::string>{} : std::vector{std::string(option)};
        const RecordedRun run =
            flockstat_run(in_fresh_directory(test, work), base / (std::string("run") + option), options);
        CHECK(run.outcome.status == truth.outcome.status);
        CHECK(run.outcome.out == truth.outcome.out);
        REQUIRE_FALSE(run.report.is_null());
        CHECK(run.report["run"]["probe"] == options.empty());
        const LockCounts counted = only(test.only, work, counts_of(run.report));
        INFO("strace:\n" << describe(expected) << "flockstat:\n" << describe(counted));
        CHECK(counted == expected);
    }
}

void check_as_strace(const std::string &script) { check_as_strace(Case{script, nullptr, ""}); }

} // namespace

TEST_CASE("truth: util-linux flock on a file and with -c", "[truth]") {
    check_as_strace("flock l true; flock l -c 'echo inside'; flock -x other -c 'flock l true'");
}

TEST_CASE("truth: util-linux flock on a descriptor", "[truth]") {
    check_as_strace("(flock 9; flock -u 9; flock -s 9; echo in) 9>l; (flock -x -n 8 || exit 1) 8>>l");
}

TEST_CASE("truth: util-linux flock -s, -n and -w", "[truth]") {
    check_as_strace("flock -s l flock -s -n l echo shared; flock l flock -n l echo never; echo $?;"
                    "flock l flock -w 0.1 l echo never; echo $?; flock -w 5 l echo at once");
}

TEST_CASE("truth: sqlite3 with 500 inserts", "[truth]") {
    check_as_strace({"sqlite3 db < script",
                     [](const fs::path &directory) {
                         std::string script = "create table t (a integer primary key, b text);\n";
                         for (int i = 0; i < 500; ++i)
                             script += "insert into t (b) values ('row');\n";
                         write_file(directory / "script", script + "select count(*) from t;\n");
                     },
                     ""});
}

TEST_CASE("truth: sqlite3 in WAL mode, with the shared memory's locks", "[truth]") {
    check_as_strace(
        "sqlite3 db 'pragma journal_mode=wal; create table t (a); insert into t values (1);'"
        "; sqlite3 db 'insert into t values (2); select sum(a) from t; pragma wal_checkpoint(truncate);'");
}

TEST_CASE("truth: Python's fcntl.flock", "[truth]") {
    check_as_strace("/usr/bin/python3 -c \"\n"
                    "import fcntl\n"
                    "f, g = open('l', 'w'), open('l', 'w')\n"
                    "for i in range(20):\n"
                    "    fcntl.flock(f, fcntl.LOCK_EX if i % 2 else fcntl.LOCK_SH)\n"
                    "    try:\n"
                    "        fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
                    "    except BlockingIOError:\n"
                    "        print('refused')\n"
                    "    fcntl.flock(f, fcntl.LOCK_UN)\n\"");
}

TEST_CASE("truth: Python's fcntl.lockf on byte ranges", "[truth]") {
    check_as_strace("/usr/bin/python3 -c \"\n"
                    "import fcntl, struct\n"
                    "f = open('l', 'w+')\n"
                    "for i in range(20):\n"
                    "    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10 * i)\n"
                    "    fcntl.lockf(f, fcntl.LOCK_SH, 5, 10 * i)\n"
                    "    fcntl.fcntl(f, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))\n"
                    "fcntl.lockf(f, fcntl.LOCK_UN)\n\"");
}

TEST_CASE("truth: Python's filelock, polling included", "[truth]") {
    check_as_strace("/usr/bin/python3 -c \"\n"
                    "import filelock\n"
                    "lock, other = filelock.FileLock('l'), filelock.FileLock('l')\n"
                    "for i in range(10):\n"
                    "    with lock:\n"
                    "        try:\n"
                    "            other.acquire(timeout=0)\n"
                    "        except filelock.Timeout:\n"
                    "            print('timeout')\n"
                    "    with other: pass\n\"");
}

TEST_CASE("truth: perl's flock", "[truth]") {
    check_as_strace(
        "perl -MFcntl=:flock -e '"
        "for (1..10) { open(my $f, \">\", \"l\") or die; flock($f, LOCK_EX) or die;"
        "  open(my $g, \"<\", \"l\") or die; print flock($g, LOCK_SH | LOCK_NB) ? \"granted\" : \"refused\";"
        "  flock($f, LOCK_UN); flock($g, LOCK_SH | LOCK_NB) or die; }'");
}

TEST_CASE("truth: a Java FileChannel lock", "[truth]") {
    check_as_strace({"java -XX:+UseSerialGC Locks.java l",
                     [](const fs::path &directory) {
                         fs::copy_file(program_source("Locks.java"), directory / "Locks.java");
                     },
                     "l"});
}

TEST_CASE("truth: dpkg's locks", "[truth]") {
    check_as_strace(
        {"echo 'flockstat-none install' | dpkg --admindir=admin --force-not-root --set-selections",
         [](const fs::path &directory) {
             fs::create_directories(directory / "admin/updates");
             fs::create_directories(directory / "admin/info");
             write_file(directory / "admin/status", "");
             write_file(directory / "admin/available", "");
         },
         ""});
}

TEST_CASE("truth: apt-get's own locks, with no package source", "[truth]") {
    check_as_strace(
        {"apt-get -q -o Dir::State=$PWD/state -o Dir::State::status=/dev/null -o Dir::Cache=$PWD/cache"
         " -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User="
         " update && apt-get -q -o Dir::Cache=$PWD/cache -o Dir::State=$PWD/state clean",
         [](const fs::path &directory) {
             fs::create_directories(directory / "state/lists/partial");
             fs::create_directories(directory / "cache/archives/partial");
         },
         ""});
}

TEST_CASE("truth: apt-get -s install takes no lock, and no lock is reported", "[truth]") {
    const TempDirectory base;
    Command command;
    command.argv = {"apt-get", "-s", "install", "apt"};
    const StraceRun truth = strace_run(command);
    CHECK(truth.outcome.status == 0);
    CHECK(truth.counts.empty());
    const RecordedRun run = flockstat_run(command, base / "run");
    CHECK(run.outcome.status == 0);
    CHECK(run.outcome.out == truth.outcome.out);
    CHECK(run.report.is_null());
}

TEST_CASE("truth: tdbtool's byte-range locks", "[truth]") {
    check_as_strace(
        "tdbtool t.tdb create t.tdb; for i in 1 2 3 4 5; do tdbtool t.tdb insert key$i value; done;"
        "tdbtool t.tdb dump; tdbtool t.tdb delete key2; tdbtool t.tdb check");
}

TEST_CASE("truth: LMDB's tools", "[truth]") {
    check_as_strace({"mdb_load -n -f dump data.mdb; mdb_stat -n data.mdb; mdb_dump -n data.mdb",
                     [](const fs::path &directory) {
                         write_file(directory / "dump",
                                    "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n k\n v\nDATA=END\n");
                     },
                     ""});
}

TEST_CASE("truth: a shell pipeline of several programs that lock", "[truth]") {
    check_as_strace(
        "for i in 1 2 3; do (flock 9; sqlite3 db 'create table if not exists t (a); insert into t values (1)'"
        ") 9>l; done; perl -MFcntl=:flock -e 'open(F, \">l\"); flock(F, 2); exec \"flock\", \"-n\", \"m\", "
        "\"true\"'");
}
