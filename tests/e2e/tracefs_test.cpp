#include "reporter/read/arena_image.h"
#include "reporter/read/run.h"
#include "tests/support/e2e.h"

#include <algorithm>
#include <sstream>
#include <sys/stat.h>

using namespace flockstat;
using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

// What the kernel's own tracepoints (filelock:*) tell of sqlite3's writers, against what was recorded of
// them.

namespace {

constexpr std::int64_t us = 1'000;

/// tracing SCRATCH TRACE COMMAND...: runs the command while an instance of tracefs of its own listens, in a
/// mount namespace of its own. Status 99 where that cannot be.
constexpr const char *tracing = R"(set -eu
mount -t tracefs nodev "$1" || exit 99
instance=$1/instances/flockstat-test-$$
trace=$2
shift 2
mkdir "$instance" || exit 99
trap 'echo 0 >"$instance/events/filelock/enable"; rmdir "$instance"' EXIT
echo mono >"$instance/trace_clock"
echo 16384 >"$instance/buffer_size_kb"
echo 1 >"$instance/events/filelock/enable"
"$@"
echo 0 >"$instance/tracing_on"
cat "$instance/trace" >"$trace"
grep -h '^overrun' "$instance"/per_cpu/cpu*/stats >>"$trace"
)";

/// What the kernel did with one range of the file. `call`: as fcntl answered it; otherwise as it changed the
/// file's list of locks, which closing the file does, too.
struct Step {
    bool call = false;
    std::int64_t at_ns = 0; ///< CLOCK_MONOTONIC
    int pid = 0;
    std::string type; ///< F_RDLCK, F_WRLCK, F_UNLCK
    std::int64_t start = 0, end = 0;
    int result = 0;
};

std::string field(const std::string &line, const std::string &name) {
    const std::size_t at = line.find(" " + name + "=") + name.size() + 2;
    return line.substr(at, line.find(' ', at) - at);
}

/// "  sqlite3-2685  [001] ...1. 52495.894000: posix_lock_inode: fl=.. ino=0xbf8004 .. fl_pid=2685 ..".
std::vector<Step> steps_of(const std::string &trace, std::uint64_t inode) {
    std::vector<Step> steps;
    std::istringstream lines(trace);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t call = line.find(": fcntl_setlk: ");
        const std::size_t event = call != std::string::npos ? call : line.find(": posix_lock_inode: ");
        if (event == std::string::npos || std::stoull(field(line, "ino"), nullptr, 16) != inode) {
            continue;
        }
        const std::size_t time = line.rfind(' ', event) + 1;
        const std::size_t point = line.find('.', time);
        steps.push_back({call != std::string::npos,
                         std::stoll(line.substr(time, point - time)) * 1'000'000 * us +
                             std::stoll(line.substr(point + 1, event - point - 1)) * us,
                         std::stoi(field(line, "fl_pid")), field(line, "fl_type"),
                         std::stoll(field(line, "fl_start")), std::stoll(field(line, "fl_end")),
                         std::stoi(field(line, "ret"))});
    }
    return steps;
}

const char *type_of(record::Mode mode) { return mode == record::Mode::exclusive ? "F_WRLCK" : "F_RDLCK"; }

struct Span {
    std::int64_t start_ns = 0, end_ns = INT64_MAX;
};

/// When the kernel had this process's lock of this kind on the byte, at that moment.
std::optional<Span> kernel_hold(const std::vector<Step> &steps, int pid, std::int64_t byte,
                                const std::string &type, std::int64_t moment_ns) {
    std::optional<Span> hold;
    for (const Step &step : steps) {
        if (step.call || step.pid != pid || step.result != 0 || step.start > byte || step.end < byte) {
            continue;
        }
        if (step.at_ns > moment_ns) {
            if (hold && step.type != type) {
                hold->end_ns = step.at_ns;
                break;
            }
        } else if (step.type != type) {
            hold.reset();
        } else if (!hold) {
            hold = Span{step.at_ns};
        }
    }
    return hold;
}

constexpr const char *writers =
    R"(sqlite3 "$1" 'create table t(x)'
for writer in 1 2 3 4; do
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "begin immediate; insert into t
        with recursive c(i) as (select 1 union all select i+1 from c where i<3000) select i from c; commit;"
    done | sqlite3 -cmd '.timeout 60000' "$1" &
done; wait)";

} // namespace

TEST_CASE("the kernel's tracepoints agree on who held what when, and who was refused", "[tracefs]") {
    const TempDirectory base;
    const std::string path = base / "x.db";
    fs::create_directory(base / "tracefs");
    Command command = under_flockstat({.argv = {"sh", "-c", writers, "sh", path}}, base / "run");
    const std::vector<std::string> traced{"unshare",        "-m",          "sh", "-c", tracing, "sh",
                                          base / "tracefs", base / "trace"};
    command.argv.insert(command.argv.begin(), traced.begin(), traced.end());
    constexpr const char *machine_itself = "pid:[4026531836]"; // include/linux/proc_ns.h, PROC_PID_INIT_INO
    const Outcome outcome = run_command(command);
    if (outcome.status == 99 || outcome.err.find("unshare") != std::string::npos ||
        fs::read_symlink("/proc/self/ns/pid") != machine_itself) {
        WARN("not tested: tracefs cannot be read here: " << outcome.err);
        return;
    }
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const std::string trace = read_file(base / "trace");
    struct stat facts {};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    const std::vector<Step> steps = steps_of(trace, facts.st_ino);
    REQUIRE(trace.find("overrun: 0") != std::string::npos);
    REQUIRE(trace.find("overrun: 1") == std::string::npos);

    const json lock = lock_of(read_report(base / "run"), path, "posix");
    const auto calls = [&](bool unlocks, int result) {
        return std::ranges::count_if(steps, [&](const Step &step) {
            return step.call && (step.type == "F_UNLCK") == unlocks && step.result == result;
        });
    };
    CHECK(lock["granted"] == calls(false, 0));
    CHECK(lock["refused"] == calls(false, -EAGAIN));
    CHECK(lock["unlocks"] == calls(true, 0));
    CHECK(lock["refused"] > 0);

    const fs::path file = base / "run/run.flk";
    const reporter::Run run = reporter::read_run(file);
    const reporter::ArenaImage image(file);
    const record::ClockReading &started = image.view().header().started;
    const auto monotonic = [&](std::int64_t at_ns) {
        return at_ns - static_cast<std::int64_t>(started.realtime_ns) +
               static_cast<std::int64_t>(started.monotonic_ns);
    };
    constexpr std::int64_t slack_ns = 50 * us; // two clocks, one of them in microseconds
    int holds = 0, waits = 0;
    std::int64_t held_ns = 0, kernel_held_ns = 0;
    for (const reporter::Event &event : run.events) {
        if (event.lock == reporter::no_index || run.locks[event.lock].path != path) {
            continue;
        }
        const int pid = run.processes[event.process].pid;
        const std::int64_t start_ns = monotonic(event.start_at_ns), end_ns = monotonic(event.end_at_ns);
        INFO("process " << pid << ", bytes " << event.range_start << " to " << event.range_end << ", "
                        << type_of(event.mode) << ", from " << start_ns << " to " << end_ns);
        if (event.kind == record::EventKind::held) {
            const auto hold =
                kernel_hold(steps, pid, event.range_start, type_of(event.mode), (start_ns + end_ns) / 2);
            REQUIRE(hold);
            CHECK(hold->start_ns <= start_ns + slack_ns);
            CHECK(hold->end_ns >= end_ns - slack_ns);
            ++holds;
            held_ns += end_ns - start_ns;
            kernel_held_ns += hold->end_ns - hold->start_ns;
        } else if (event.kind == record::EventKind::acquired) {
            const auto refused = std::ranges::count_if(steps, [&](const Step &step) {
                return step.call && step.pid == pid && step.result == -EAGAIN &&
                       step.type == type_of(event.mode) && step.start == event.range_start &&
                       step.end == event.range_end && step.at_ns >= start_ns - slack_ns &&
                       step.at_ns <= end_ns + slack_ns;
            });
            CHECK(refused + 1 == static_cast<long>(event.attempts));
            ++waits;
        }
    }
    CHECK(holds > 10);
    CHECK(waits > 0);
    INFO("held " << held_ns << " ns, by the kernel " << kernel_held_ns);
    CHECK(kernel_held_ns - held_ns <= held_ns / 10);
}
