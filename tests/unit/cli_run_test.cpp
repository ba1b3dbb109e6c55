// Setting a run up and starting its command.
#include "reporter/cli/failure.h"
#include "reporter/cli/launch.h"
#include "reporter/cli/run_directory.h"

#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::cli;
using flockstat::test::TempDirectory;
namespace fs = std::filesystem;

namespace {

/// Works in a directory, and goes back.
class Inside {
public:
    explicit Inside(const fs::path &directory) : before_(fs::current_path()) { fs::current_path(directory); }
    ~Inside() { fs::current_path(before_); }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

private:
    fs::path before_;
};

std::string failure_of(const std::function<void()> &action, int status) {
    try {
        action();
    } catch (const Failure &failure) {
        CHECK(failure.status() == status);
        return failure.what();
    }
    FAIL("nothing was thrown");
    return {};
}

int status_of(const std::vector<std::string> &command,
              const std::function<std::chrono::milliseconds()> &tick = {}) {
    Launch launch(command, Environment(environ), [] {});
    return exit_status_of(launch.wait(tick));
}

} // namespace

TEST_CASE("a run's directory is made, found again, and refused") {
    const TempDirectory base;
    const Inside inside(base.path());
    RunDirectory first = take_run_directory("d", false, "make");
    CHECK(first.made);
    CHECK(first.path == fs::canonical(base / "d").string());
    CHECK(first.flk_name == "run.flk");
    // Empty, it is taken again; once it holds a run it is not, unless that is asked for.
    CHECK_FALSE(take_run_directory("d", false, "make").made);
    const record::RunIdentity run = {.run_id = 1, .arena_directory = "/nowhere", .directory = first.path};
    link_arena(&first, run);
    CHECK(fs::read_symlink(base / "d" / "run.flk") == "/nowhere/flockstat-0000000000000001");
    const std::string refused =
        failure_of([] { (void)take_run_directory("d", false, "make"); }, status_failed_run);
    CHECK(refused.find("d holds a run") != std::string::npos);
    CHECK(refused.find("--add") != std::string::npos);
    CHECK(take_run_directory("d", true, "make").flk_name == "run.2.flk");
    abandon_run_directory(first);
    CHECK_FALSE(fs::exists(base / "d"));
}

TEST_CASE("without a name the directory is called after the command and the process") {
    const TempDirectory base;
    const Inside inside(base.path());
    const std::string pid = std::to_string(getpid());
    CHECK(fs::path(take_run_directory(std::nullopt, false, "/usr/bin/make").path).filename() ==
          "flockstat-make-" + pid);
    CHECK(fs::path(take_run_directory(std::nullopt, false, "make").path).filename() ==
          "flockstat-make-" + pid + ".2");
    CHECK(fs::path(take_run_directory(std::nullopt, false, "./a b\n").path).filename() ==
          "flockstat-a_b_-" + pid);
}

TEST_CASE("a place where no directory can be is named") {
    const TempDirectory base;
    std::ofstream(base / "file") << "x";
    for (const fs::path &place : {base / "file", base / "file" / "run", base / "no" / "run"}) {
        const std::string line =
            failure_of([&] { (void)take_run_directory(place.string(), false, "make"); }, status_failed_run);
        CHECK(line.find(place.string()) != std::string::npos);
    }
}

TEST_CASE("the newest run of the working directory is found") {
    const TempDirectory base;
    const Inside inside(base.path());
    CHECK(
        failure_of([] { (void)newest_run_directory(); }, status_failed_report).find("flockstat report DIR") !=
        std::string::npos);
    for (const char *name : {"flockstat-b-1", "flockstat-a-2", "flockstat-c-3", "other"}) {
        fs::create_directory(base / name);
    }
    std::ofstream(base / "flockstat-b-1" / "run.flk") << "x";
    fs::create_symlink("/nowhere", base / "flockstat-a-2" / "run.flk"); // live, or its arena is gone
    std::ofstream(base / "other" / "run.flk") << "x";
    const timespec times[2] = {{4102444800, 0}, {4102444800, 0}};
    REQUIRE(utimensat(AT_FDCWD, (base / "flockstat-a-2" / "run.flk").c_str(), times, AT_SYMLINK_NOFOLLOW) ==
            0);
    CHECK(newest_run_directory() == "flockstat-a-2");
}

TEST_CASE("variables are set once, and what is preloaded already stays behind us") {
    const char *const given[] = {"A=1", "LD_PRELOAD=/x.so", "AB=2", "A=3", nullptr};
    Environment environment(given);
    environment.set("A", "4");
    environment.preload("/libflockstat.so");
    CHECK(environment.get("A") == "4");
    CHECK(environment.get("AB") == "2");
    CHECK(environment.get("B").empty());
    CHECK(environment.get("LD_PRELOAD") == "/libflockstat.so:/x.so");
    const std::vector<char *> pointers = environment.pointers();
    REQUIRE(pointers.size() == 4);
    CHECK(pointers.back() == nullptr);
    Environment empty(nullptr);
    empty.preload("/libflockstat.so");
    CHECK(empty.get("LD_PRELOAD") == "/libflockstat.so");
}

TEST_CASE("the command's end is told as a shell does") {
    CHECK(status_of({"true"}) == 0);
    CHECK(status_of({"sh", "-c", "exit 7"}) == 7);
    CHECK(status_of({"sh", "-c", "kill -KILL $$"}) == 137);
    int ticks = 0;
    CHECK(status_of({"sh", "-c", "sleep 0.2; exit 3"}, [&] {
              ++ticks;
              return std::chrono::milliseconds(10);
          }) == 3);
    CHECK(ticks > 1);
}

TEST_CASE("a command that cannot be run is named") {
    const TempDirectory base;
    std::ofstream(base / "text") << "no program";
    CHECK(failure_of([] { status_of({"flockstat-no-such"}); }, status_not_found).find("flockstat-no-such") !=
          std::string::npos);
    CHECK(failure_of([&] { status_of({base / "text"}); }, status_cannot_run).find(base / "text") !=
          std::string::npos);
    CHECK(failure_of([&] { status_of({base.path()}); }, status_cannot_run).find(base.path()) !=
          std::string::npos);
}

TEST_CASE("signals that would end us are passed on, and interrupts are the command's alone") {
    struct sigaction before {};
    sigaction(SIGTERM, nullptr, &before); // Catch has its own
    {
        Launch launch({"sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.01; done"}, Environment(environ),
                      [] {});
        usleep(200'000); // until its trap is set
        raise(SIGINT);   // ignored by us; the terminal sends it to the command as well
        raise(SIGTERM);
        CHECK(exit_status_of(launch.wait({})) == 9);
    }
    struct sigaction after {};
    sigaction(SIGTERM, nullptr, &after);
    CHECK(after.sa_handler == before.sa_handler);
    // The command itself gets the signals as we had them.
    CHECK(status_of({"sh", "-c", "kill -INT $$; exit 0"}) == 128 + SIGINT);
}
