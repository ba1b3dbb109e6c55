#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "tests/support/counted_calls.h"
#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;

// A run whose first process, whose command, or all of which is killed at a random moment, while it locks. The
// truth is what the processes counted themselves, in memory that outlives them.

namespace {

enum class Victim { first, command, all };

constexpr std::size_t family_size = 4;

/// Waits for the end of a process that may be nobody's child.
class Awaited {
public:
    explicit Awaited(std::int64_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
        REQUIRE(fd_ >= 0);
    }
    Awaited(Awaited &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Awaited(const Awaited &) = delete;
    Awaited &operator=(const Awaited &) = delete;
    Awaited &operator=(Awaited &&) = delete;
    ~Awaited() {
        if (fd_ >= 0)
            close(fd_);
    }
    void wait() const {
        pollfd entry{fd_, POLLIN, 0};
        REQUIRE(poll(&entry, 1, 60'000) == 1);
    }

private:
    int fd_;
};

void spin(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {}
}

/// One run; `after` that time from when all of it locked.
void check_killed(Victim victim, bool bare, std::chrono::microseconds after) {
    const TempDirectory base;
    const CountsFile counts(base / "counts", family_size);
    const Command family{
        .argv = {program("counted_family"), base / "counts", base / "l", std::to_string(family_size)}};
    Process run(bare ? preloaded(family, base / "run") : under_flockstat(family, base / "run"));
    counts.await_attempts(20);
    std::vector<Awaited> processes;
    for (std::size_t i = 0; i < family_size; ++i)
        processes.emplace_back(counts.pid(i));
    spin(after);
    if (victim == Victim::first) {
        REQUIRE(kill(static_cast<pid_t>(counts.pid(0)), SIGKILL) == 0);
        processes[0].wait();
    }
    if (victim == Victim::command)
        run.kill_only(SIGKILL);
    if (victim != Victim::all && bare)
        spin(after); // the others go on
    if (victim != Victim::all && !bare) {
        const Outcome outcome = run.wait();
        CHECK(outcome.status == 128 + SIGKILL);
        CHECK(std::filesystem::exists(base / "run" / "summary.json") == (victim == Victim::first));
    }
    REQUIRE(kill(-run.pid(), SIGKILL) == 0);
    for (const Awaited &process : processes)
        process.wait();
    check_all_counted(read_report(base / "run"), counts.counts(), "killed");
}

void check_kills(Victim victim, int runs, unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < runs; ++i) {
        const std::chrono::microseconds after(random() % 3000);
        const bool bare = i % 2 == 1 && victim != Victim::command; // a bare preload has no command
        INFO("run " << i << (bare ? ", bare" : "") << ", after " << after.count() << " us");
        check_killed(victim, bare, after);
    }
}

} // namespace

TEST_CASE("a run whose first process, command, or all of which is killed, has all calls", "[survival]") {
    for (const Victim victim : {Victim::first, Victim::command, Victim::all})
        check_kills(victim, 4, 1);
}

TEST_CASE("SIGKILL of a run's first process, at a random moment", "[.soak]") {
    check_kills(Victim::first, 200, 2);
    soak_row("200 runs", "each call that returned is in the report");
}

TEST_CASE("SIGKILL of `flockstat run` itself, at a random moment", "[.soak]") {
    check_kills(Victim::command, 200, 3);
    soak_row("200 runs", "each call that returned is in the report");
}

TEST_CASE("SIGKILL of all processes of a run at once, at a random moment", "[.soak]") {
    check_kills(Victim::all, 200, 4);
    soak_row("200 runs", "each call that returned is in the report");
}
