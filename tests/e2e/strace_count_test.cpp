#include "tests/support/e2e.h"

using namespace flockstat::test;

// Lines as strace 6.1 wrote them; only paths and numbers are changed.

TEST_CASE("strace lines: flock's attempts, refusals and unlocks", "[harness]") {
    const LockCounts counts =
        count_strace("11 flock(3</tmp/a>, LOCK_EX) = 0\n"
                     "11 flock(3</tmp/a>, LOCK_SH|LOCK_NB) = -1 EAGAIN (Resource temporarily unavailable)\n"
                     "12  flock(3</tmp/a>, LOCK_EX) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)\n"
                     "12  --- SIGALRM {si_signo=SIGALRM, si_code=SI_TIMER} ---\n"
                     "11 flock(3</tmp/a>, LOCK_UN) = 0\n"
                     "11 flock(3</tmp/b c>(deleted), LOCK_UN|LOCK_NB) = 0\n"
                     "11 +++ exited with 0 +++\n");
    REQUIRE(counts.size() == 2);
    CHECK(counts.at({"/tmp/a", "flock"}) == CallCounts{3, 1, 1, 1, 0});
    CHECK(counts.at({"/tmp/b c", "flock"}) == CallCounts{0, 0, 0, 1, 0});
}

TEST_CASE("strace lines: fcntl's commands belong to two families", "[harness]") {
    const std::string range = ", l_whence=SEEK_SET, l_start=1073741824, l_len=510}";
    const LockCounts counts =
        count_strace("7 fcntl(0</dev/null>, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)\n"
                     "7 fcntl(4</tmp/db>, F_SETLK, {l_type=F_RDLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_SETLK, {l_type=F_WRLCK" +
                     range +
                     ") = -1 EACCES (Permission denied)\n"
                     "7 fcntl(4</tmp/db>, F_SETLKW, {l_type=F_UNLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_GETLK, {l_type=F_WRLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_OFD_SETLK, {l_type=F_WRLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_OFD_SETLKW, {l_type=F_UNLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_OFD_GETLK, {l_type=F_UNLCK" +
                     range +
                     ") = 0\n"
                     "7 fcntl(4</tmp/db>, F_SETLKW, 0x1) = -1 EFAULT (Bad address)\n");
    REQUIRE(counts.size() == 2);
    CHECK(counts.at({"/tmp/db", "posix"}) == CallCounts{3, 1, 1, 1, 1});
    CHECK(counts.at({"/tmp/db", "ofd"}) == CallCounts{1, 1, 0, 1, 1});
}

TEST_CASE("strace lines: a call that another thread's line interrupts is one call", "[harness]") {
    const LockCounts counts = count_strace(
        "21 flock(3</tmp/a>, LOCK_EX <unfinished ...>\n"
        "22 fcntl(5</tmp/b>, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=0} <unfinished "
        "...>\n"
        "21 <... flock resumed>)        = 0\n"
        "22 <... fcntl resumed>)        = -1 EINTR (Interrupted system call)\n"
        "21 fcntl(5</tmp/b>, F_GETLK,  <unfinished ...>\n"
        "21 <... fcntl resumed>{l_type=F_UNLCK, l_whence=SEEK_SET, l_start=0, l_len=0, l_pid=0}) = 0\n"
        "22 flock(3</tmp/a>, LOCK_EX <unfinished ...>\n"
        "22 +++ killed by SIGKILL +++\n");
    REQUIRE(counts.size() == 2);
    CHECK(counts.at({"/tmp/a", "flock"}) == CallCounts{2, 1, 0, 0, 0});
    CHECK(counts.at({"/tmp/b", "posix"}) == CallCounts{1, 0, 0, 0, 1});
}

TEST_CASE("strace lines: escaped paths and descriptors that are not open", "[harness]") {
    const LockCounts counts = count_strace("5 flock(3</tmp/de\\76l \\303\\251.lock>, LOCK_EX) = 0\n"
                                           "5 flock(99, LOCK_EX) = -1 EBADF (Bad file descriptor)\n");
    REQUIRE(counts.size() == 2);
    CHECK(counts.at({"/tmp/de>l \303\251.lock", "flock"}) == CallCounts{1, 1, 0, 0, 0});
    CHECK(counts.at({"", "flock"}) == CallCounts{1, 0, 0, 0, 0});
}

TEST_CASE("strace itself counts what a script asks for", "[harness]") {
    const TempDirectory work;
    const StraceRun run = strace_run(shell("flock a flock -n a true; flock -s -u b true", work.path()));
    CHECK(run.outcome.status == 0);
    CHECK(run.counts.at({work / "a", "flock"}) == CallCounts{2, 1, 1, 0, 0});
    CHECK(run.counts.at({work / "b", "flock"}).unlocks == 1);
}

TEST_CASE("the harness reports outputs, exit statuses and signals of what it runs", "[harness]") {
    Command command = shell("cat; echo oops >&2; test -z \"$LD_PRELOAD\"; kill -TERM $$");
    command.input = "hello";
    const Outcome killed = run_command(command);
    CHECK(killed.out == "hello");
    CHECK(killed.err == "oops\n");
    CHECK(killed.signal == 15);
    CHECK(killed.status == 143);
    CHECK(run_command(shell("exit 7")).status == 7);
    Command slow = shell("echo started; sleep 60");
    slow.limit = std::chrono::seconds(1);
    CHECK(run_command(slow).timed_out);
}
