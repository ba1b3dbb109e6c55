// Regions whose open file description several processes have, one after the other or at once.
// tests/programs/relay.c does the steps; its steps `held` and `free` ask the kernel from a process of their
// own, and the step marked `!` gives the bounds of how long the lock was held.
#include "tests/support/checkpoints.h"
#include "tests/support/e2e.h"
#include "tests/support/relay.h"

#include <algorithm>
#include <fcntl.h>
#include <poll.h>
#include <sstream>
#include <sys/syscall.h>
#include <unistd.h>

using namespace flockstat::test;
using nlohmann::json;

TEST_CASE("a lock that a forked child shares ends with the last of both", "[processes]") {
    check_description_relays({
        {"parent first", "a.open a.lock a.fork=b held a.close held !b.close free", {{"close", 1}}},
        {"child first", "a.open a.lock a.fork=b b.close held !a.close free", {{"close", 1}}},
        {"the parent exits", "a.open a.lock a.fork=b a.exit held !b.close free", {{"close", 1}}},
        {"the child exits last", "a.open a.lock a.fork=b a.close held !b._exit free", {{"exit", 1}}},
        {"the child unlocks",
         "a.open a.lock a.fork=b !b.unlock free a.unlock a.close b.close",
         {{"unlock", 1}}},
        {"the parent unlocks",
         "a.open a.lock a.fork=b !a.unlock free b.unlock b.close a.close",
         {{"unlock", 1}}},
        {"the child converts",
         "a.open a.lock a.fork=b b.shared held a.close held !b.close free",
         {{"converted", 1}, {"close", 1}}},
        {"locked again by both after the child unlocked",
         "a.open a.lock a.fork=b b.unlock free a.lock held a.unlock free b.close a.lock a.unlock",
         {{"unlock", 3}}},
        {"three generations, the middle one gone first",
         "a.open a.lock a.fork=b b.fork=c b.exit a.exit held !c.exit free",
         {{"exit", 1}}},
        {"two children, the parent gone first",
         "a.open a.lock a.fork=b a.fork=c a.exit b.exit held !c.exit free",
         {{"exit", 1}}},
        {"a clone that libc knows nothing of",
         "a.open a.lock a.clone=b a.close held !b.close free",
         {{"close", 1}}},
        {"a daemon", "a.open a.lock a.daemon held !a.close free", {{"close", 1}}},
    });
}

TEST_CASE("what is opened while a child is being made may be the child's, too", "[processes]") {
    for (const char *family : {"flock", "ofd"}) {
        INFO(family);
        const TempDirectory base;
        const json report = run_checkpoints({program("fork_window"), base / "l", family}, base / "run");
        check_released(lock_of(report, base / "l", family), {{"unlock", 1}, {"exit", 1}});
    }
}

TEST_CASE("what was handed to a number that is another description's by now has no known end",
          "[processes]") {
    check_description_relays({
        {"closed unseen, and opened again",
         "a.open a.fork=b b.lock b.close held a.lose free a.open a.close",
         {{"unknown", 1}}},
    });
}

TEST_CASE("a child's other open of the file is none of the one that has the lock", "[processes]") {
    check_description_relays({
        {"unlocks", "a.open a.second a.lock a.fork=b b.swap b.unlock held !a.unlock free", {{"unlock", 1}}},
        {"without the first one",
         "a.open a.second a.lock a.fork=b b.close b.swap b.unlock held !a.close free",
         {{"close", 1}}},
        {"opened after the lock",
         "a.open a.lock a.second a.fork=b b.swap b.unlock held !a.unlock free",
         {{"unlock", 1}}},
    });
}

TEST_CASE("an exec that closes any descriptor of a file drops its posix locks", "[processes]") {
    check_relay("posix", {"one that nobody locked through",
                          "a.open a.second a.lock a.swap a.cloexec a.swap !a.exec free",
                          {{"exec", 1}}});
    check_relay("posix", {"none", "a.open a.second a.lock a.exec held !a.unlock free", {{"unlock", 1}}});
}

TEST_CASE("a child has none of its parent's posix locks", "[processes]") {
    check_relay("posix",
                {"child closes", "a.open a.lock a.fork=b b.close held !a.unlock free", {{"unlock", 1}}});
    check_relay("posix", {"child exits", "a.open a.lock a.fork=b b.exit held !a.exit free", {{"exit", 1}}});
    check_relay("posix",
                {"child unlocks", "a.open a.lock a.fork=b b.unlock held !a.close free", {{"close", 1}}});
    check_relay("posix", {"a daemon's parent had it", "a.open a.lock a.daemon free", {{"exit", 1}}});
}

TEST_CASE("a lock got for a description that the parent has goes on with the parent", "[processes]") {
    check_description_relays({
        {"closed there", "a.open a.fork=b b.lock b.exit held !a.close free", {{"close", 1}}},
        {"closed by the child already", "a.open a.fork=b b.lock b.close held !a.close free", {{"close", 1}}},
        {"unlocked there", "a.open a.fork=b b.lock b.exit held !a.unlock free", {{"unlock", 1}}},
        {"unlocked there, where it was locked before",
         "a.open a.lock a.unlock a.fork=b b.lock held a.unlock free b.exit",
         {{"unlock", 2}}},
        {"until its exit", "a.open a.fork=b b.lock b.exit held !a.exit free", {{"exit", 1}}},
        {"through two processes",
         "a.open a.fork=b b.fork=c c.lock c.exit held b.exit held !a.close free",
         {{"close", 1}}},
        {"to a sibling", "a.open a.fork=b a.fork=c b.lock b.exit a.exit held !c.exit free", {{"exit", 1}}},
        {"unlocked by another child",
         "a.open a.fork=b b.lock b.exit a.fork=c !c.unlock free a.close",
         {{"unlock", 1}}},
    });
}

TEST_CASE("a program that was started with the descriptor shares the lock", "[processes]") {
    check_description_relays({
        {"posix_spawn", "a.open a.lock a.spawn=b a.close held !b.close free", {{"close", 1}}},
        {"vfork", "a.open a.lock a.vfork=b a.exit held !b.exit free", {{"exit", 1}}},
        {"fork and exec", "a.open a.lock a.fork=b b.exec a.close held !b.close free", {{"close", 1}}},
        {"which unlocks it", "a.open a.lock a.vfork=b !b.unlock free a.unlock a.close", {{"unlock", 1}}},
        {"which ends first", "a.open a.lock a.spawn=b b.exit held !a.unlock free", {{"unlock", 1}}},
        {"not when close-on-exec", "a.open a.lock a.cloexec a.spawn=b !a.close free b.exit", {{"close", 1}}},
    });
}

TEST_CASE("every way to execute a program keeps what is held", "[processes]") {
    for (const char *way : {"execl", "execveat", "syscall", "syscall_at"}) {
        INFO(way);
        const TempDirectory base;
        const RecordedRun run =
            flockstat_run({.argv = {program("exec_keeps"), base / "l", way}}, base / "run");
        REQUIRE(run.outcome.status == 0);
        check_released(lock_of(run.report, base / "l", "posix"), {{"unlock", 1}});
        // The child that asks at the end gets the flock.
        check_released(lock_of(run.report, base / "l", "flock"), {{"unlock", 1}, {"exit", 1}});
    }
}

TEST_CASE("exec keeps what is held, and the new image ends it", "[processes]") {
    for (const char *family : {"flock", "ofd", "posix"}) {
        check_relay(family, {"unlock", "a.open a.lock a.exec held !a.unlock free", {{"unlock", 1}}});
        check_relay(family, {"close", "a.open a.lock a.exec held !a.close free", {{"close", 1}}});
        check_relay(family, {"twice", "a.open a.lock a.exec a.exec held !a.exit free", {{"exit", 1}}});
        check_relay(family, {"close-on-exec", "a.open a.lock a.cloexec !a.exectrue free", {{"exec", 1}}});
        check_relay(family, {"failed", "a.open a.lock a.badexec held !a.unlock free", {{"unlock", 1}}});
        check_relay(family, {"failed, and asked for again",
                             "a.open a.lock a.badexec a.lock held !a.unlock free",
                             {{"unlock", 1}}});
        check_relay(family,
                    {"failed, then exit", "a.open a.lock a.badexec held !a.exit free", {{"exit", 1}}});
    }
    check_description_relays({
        {"through a duplicate", "a.open a.lock a.dup a.exec held !a.exit free", {{"exit", 1}}},
        {"close-on-exec, but a child has it",
         "a.open a.lock a.fork=b a.cloexec a.exectrue held !b.close free",
         {{"close", 1}}},
        {"by the child", "a.open a.lock a.cloexec a.fork=b b.exectrue held !a.close free", {{"close", 1}}},
        {"of the parent, the child first",
         "a.open a.lock a.fork=b a.exec b.close held !a.close free",
         {{"close", 1}}},
    });
}

TEST_CASE("the way a process ends says how its regions ended", "[processes]") {
    for (const char *family : {"flock", "ofd", "posix"}) {
        for (const char *how : {"exit", "_exit", "quick_exit"}) {
            const std::string steps = std::string("a.open a.lock held !a.") + how + " free";
            check_relay(family, {how, steps.c_str(), {{"exit", 1}}});
        }
        check_relay(family, {"abort", "a.open a.lock a.abort free", {{"unknown", 1}}});
        check_relay(family, {"killed", "a.open a.lock a.kill free", {{"unknown", 1}}});
    }
}

TEST_CASE("a holder that is killed is known to have held until flockstat run saw its end", "[processes]") {
    for (const char *family : {"flock", "posix", "ofd"}) {
        INFO(family);
        const TempDirectory base;
        const RecordedRun run = flockstat_run(
            {.argv = {program("relay"), family, base / "l", "a.open", "a.lock", "pause", "!a.kill", "free"}},
            base / "run");
        REQUIRE(run.outcome.status == 0);
        const json lock = lock_of(run.report, base / "l", family);
        check_released(lock, {{"unknown", 1}});
        CHECK(lock["region"]["count"] == 0);
        std::istringstream words(run.outcome.out);
        std::string held;
        std::int64_t low_ns = 0;
        REQUIRE(words >> held >> low_ns);
        CHECK(lock["held_open_ns"] >= low_ns - low_ns / 100);
        CHECK(lock["held_open_ns"] < run.outcome.wall_ns);
        CHECK(std::ranges::count_if(run.report["processes"],
                                    [](const json &process) { return process["ended"] == "killed"; }) == 1);
    }
}

TEST_CASE("who was killed does not count among those that share", "[processes]") {
    check_description_relays({
        {"parent killed", "a.open a.lock a.fork=b a.kill held !b.close free", {{"close", 1}}},
        {"child killed", "a.open a.lock a.fork=b b.kill held !a.close free", {{"close", 1}}},
        {"both killed", "a.open a.lock a.fork=b b.kill a.kill free", {{"unknown", 1}}},
        {"the receiver killed", "a.open a.fork=b b.lock b.exit held a.kill free", {{"unknown", 1}}},
    });
}

TEST_CASE("a shell holds the lock that flock got for its descriptor", "[processes]") {
    struct Script {
        const char *script;
        Ends released;
    };
    const std::vector<Script> scripts = {
        {"( flock 9; true ) 9>l", {{"exit", 1}}},
        {"exec 9>l; flock 9; exec 9>&-; true", {{"close", 1}}},
        {"exec 9>l; flock 9; flock -u 9; true", {{"unlock", 1}}},
        {"exec 9>l; flock 9; exec 9>other; true", {{"close", 1}}},
        {"exec 9>l; flock -s 9; flock -x 9; exit 0", {{"converted", 1}, {"exit", 1}}},
        {"(flock 9; exec sleep 0) 9>l", {{"exit", 1}}},
        {"flock l true", {{"exit", 1}}},
        {"flock -o l true", {{"exit", 1}}},
        {"flock l -c true", {{"exit", 1}}},
    };
    for (const char *interpreter : {"dash", "bash"}) {
        for (const Script &test : scripts) {
            INFO(interpreter << ": " << test.script);
            const TempDirectory base;
            const RecordedRun run = flockstat_run(
                {.argv = {interpreter, "-c", test.script}, .directory = base.path()}, base / "run");
            REQUIRE(run.outcome.status == 0);
            const json lock = lock_of(run.report, base / "l", "flock");
            INFO(lock["released"].dump());
            for (const auto &[cause, count] : lock["released"].items()) {
                INFO(cause);
                CHECK(count == (test.released.contains(cause) ? test.released.at(cause) : 0));
            }
        }
    }
}

TEST_CASE("the report says who still holds a lock that outlives the command", "[processes]") {
    const TempDirectory base;
    // The inner shell got the lock through `flock 9`, and leaves it to its background child.
    const std::string holder_words = "syswrite STDOUT, 1; sysread STDIN, $_, 1";
    const std::string script =
        "(flock 9; perl -e '" + holder_words + "' <&61 >&64 & head -c 1 <&63 >/dev/null) 9>l; echo over";
    int tell[2];
    int told[2];
    REQUIRE((pipe(tell) == 0 && pipe(told) == 0));
    REQUIRE((dup2(tell[0], 61) == 61 && dup2(told[0], 63) == 63 && dup2(told[1], 64) == 64));
    const RecordedRun run =
        flockstat_run({.argv = {"bash", "-c", script}, .directory = base.path()}, base / "run");
    REQUIRE(run.outcome.out == "over\n");
    CHECK(run.report["run"]["complete"] == false);
    const json lock = lock_of(run.report, base / "l", "flock");
    CHECK(lock["released"]["still_held"] == 1);
    CHECK(lock["region"]["count"] == 0);
    REQUIRE(lock["held_by"].size() == 1);
    const json &holder = lock["held_by"][0];
    CHECK(holder["command"] == json({"perl", "-e", holder_words}));
    CHECK(holder["mode"] == "exclusive");
    CHECK(holder["held_ns"] == lock["held_open_ns"]);
    // It is a process that has the file open, with the lock on it.
    const std::string pid = std::to_string(holder["pid"].get<int>());
    const Outcome info = run_command({.argv = {"cat", "/proc/" + pid + "/fdinfo/9"}});
    CHECK(info.out.find("FLOCK") != std::string::npos);
    const Outcome text = run_flockstat({"report", run.directory});
    CHECK(text.out.find("Still held by process " + pid + " (perl -e ") != std::string::npos);

    pollfd ended{static_cast<int>(syscall(SYS_pidfd_open, std::stoi(pid), 0)), POLLIN, 0};
    REQUIRE(ended.fd >= 0);
    REQUIRE(write(tell[1], "x", 1) == 1);
    for (const int descriptor : {tell[0], tell[1], told[0], told[1], 61, 63, 64})
        close(descriptor);
    REQUIRE(poll(&ended, 1, -1) == 1);
    close(ended.fd);
    const json after = lock_of(read_report(run.directory), base / "l", "flock");
    INFO(after.dump());
    CHECK(after["released"]["exit"] == 1);
    CHECK(after["region"]["sum_ns"] > lock["held_open_ns"]);
    CHECK(after["held_by"].empty());
}

TEST_CASE("forks while other threads lock harm no child, and count no region twice", "[processes]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const Outcome outcome =
        run_command(under_flockstat({.argv = {program("fork_storm"), path, "3000"}}, base / "run"));
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "0\n");
    const json report = json::parse(run_flockstat({"report", base / "run", "-f", "json"}).out);
    for (const char *own : {".0", ".1", ".2", ".3"}) {
        const json lock = lock_of(report, path + own, "flock");
        // Each lock is got by one open, and let go by its close here, or by the end of a child that had it
        // too. A thread that does not get at the tables in time counts no region.
        int ended = 0;
        for (const auto &[cause, count] : lock["released"].items())
            ended += count.get<int>();
        CHECK(ended <= lock["granted"]);
        CHECK(ended > lock["granted"].get<int>() / 2);
        CHECK(lock["released"]["still_held"] == 0);
    }
    // Children lock bytes of this file alone; the numbers of its descriptors are other files' in the parent.
    for (const json &lock : report["locks"])
        CHECK((lock["family"] != "posix" || lock["path"] == path));
}
