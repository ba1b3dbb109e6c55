#include "tests/support/e2e.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <thread>

using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr long processes = 10'000;
constexpr long own_files = 2;
constexpr long polled = 14;

struct Cost {
    double cpu_seconds = 0;
    long peak_kib = 0;
};

/// Runs a command, which must succeed. Python looks after it: to the kernel, the peak of a process that
/// starts another one is the other's, too.
Cost cost_of(const std::vector<std::string> &arguments) {
    constexpr const char *script = "import resource, subprocess, sys\n"
                                   "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
                                   "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
                                   "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n";
    Command command{.argv = {"/usr/bin/python3", "-c", script}};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.limit = std::chrono::seconds(600);
    const Outcome outcome = run_command(command);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    Cost cost;
    REQUIRE(std::istringstream(outcome.out) >> cost.cpu_seconds >> cost.peak_kib);
    return cost;
}

/// A run of so many processes that its event log and its recording are full.
fs::path make_large_run(const TempDirectory &base) {
    fs::create_directory(base / "files");
    Command run = under_flockstat({.argv = {program("fill"), base / "files", std::to_string(processes),
                                            std::to_string(own_files), std::to_string(polled)}},
                                  base / "run");
    run.limit = std::chrono::seconds(600);
    const Outcome outcome = run_command(run);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return base / "run";
}

/// What ps says of the run.
json ps(const fs::path &run) {
    const Outcome outcome = run_flockstat({"ps", "--json", run});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out)["runs"][0];
}

/// The least of several: the same work takes longer while others have the machine's caches.
long least_cpu_ms(const std::vector<std::string> &arguments) {
    double least = cost_of(arguments).cpu_seconds;
    for (int tries = 1; tries < 9; ++tries) {
        least = std::min(least, cost_of(arguments).cpu_seconds);
    }
    return std::lround(least * 1'000);
}

} // namespace

TEST_CASE("a recording that is full is reported within 300 MiB, and soon", "[scale]") {
    const TempDirectory base;
    const fs::path run = make_large_run(base);
    const json report = json::parse(read_file(run / "summary.json"));
    // Just so many fit, or a few less where paths are long.
    const auto recorded = static_cast<long>(report["processes"].size());
    CHECK(recorded + report["lost"]["processes"].get<long>() == processes + 1);
    CHECK(recorded > processes * 9 / 10);
    CHECK(static_cast<long>(report["locks"].size()) <= recorded * own_files + 64);
    CHECK(static_cast<long>(report["locks"].size()) > recorded * own_files * 99 / 100);
    CHECK(report["lost"]["events"] > 0);
    for (const char *counter : {"filelock.enter", "filelock.region"}) {
        CHECK(report["counters"][counter]["count"] <= recorded * (own_files + 2 * polled));
        CHECK(report["counters"][counter]["count"] > recorded * (own_files + 2 * polled) * 99 / 100);
    }

    constexpr double generous_seconds = 8; // 2 seconds of a machine that has nothing else to do
    for (const std::string format :
         {"text", "json", "csv", "folded", "pprof", "perfetto", "openmetrics", "html"}) {
        const Cost cost = cost_of({flockstat_path(), "report", run, "-f", format, "-O", base / "report"});
        INFO(format << ": " << cost.cpu_seconds << " s, " << cost.peak_kib << " KiB");
        CHECK(cost.cpu_seconds < generous_seconds);
        CHECK(cost.peak_kib < 300 * 1024);
        CHECK(fs::file_size(base / "report") > 1000);
    }

    // The same run in other places is other runs: their sums are exact.
    constexpr int copies = 2;
    std::vector<std::string> merge = {flockstat_path(), "report", "-f", "json", "-O", base / "merged"};
    for (int i = 0; i < copies; ++i) {
        const fs::path copy = base / ("copy" + std::to_string(i));
        fs::create_directory(copy);
        for (const fs::directory_entry &file : fs::directory_iterator(run)) {
            fs::create_hard_link(file.path(), copy / file.path().filename());
        }
        merge.push_back(copy);
    }
    const Cost cost = cost_of(merge);
    CHECK(cost.cpu_seconds < copies * generous_seconds / 2);
    const json merged = json::parse(read_file(base / "merged"));
    CHECK(merged["run"]["processes"] == copies * recorded);
    CHECK(merged["locks"].size() == report["locks"].size());
    for (const char *counter : {"filelock.enter", "filelock.region", "filelock.exit"}) {
        CHECK(merged["counters"][counter]["sum_ns"] ==
              copies * report["counters"][counter]["sum_ns"].get<std::uint64_t>());
        CHECK(merged["counters"][counter]["p99_ns"] == report["counters"][counter]["p99_ns"]);
    }
}

TEST_CASE("who holds and who waits is told soon, of a thousand processes and ten thousand locks", "[scale]") {
    constexpr long waiters = 1'000;
    constexpr long own = 10;
    const TempDirectory base;
    fs::create_directory(base / "files");
    Command command = under_flockstat(
        {.argv = {program("standing"), base / "files", std::to_string(waiters), std::to_string(own)}},
        base / "run");
    command.limit = std::chrono::seconds(600);
    Process standing(command);
    REQUIRE(standing.read_line() == "standing");
    json run = ps(base / "run");
    for (int tries = 0; run["waiting"].size() != waiters; ++tries) { // as soon as they all have asked
        REQUIRE(tries < 1'200);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        run = ps(base / "run");
    }
    CHECK(run["held"].size() == waiters * own + 1);
    const std::string all = base / "files/all";
    CHECK(std::ranges::all_of(run["waiting"], [&](const json &wanted) {
        return wanted["path"] == all && wanted["behind"].size() == 1 &&
               run["held"][wanted["behind"][0].get<std::size_t>()]["path"] == all;
    }));
    constexpr long generous_ms = 100; // 50 ms of a machine that has nothing else to do
    CHECK(least_cpu_ms({flockstat_path(), "ps", base / "run"}) < generous_ms);
    CHECK(least_cpu_ms({flockstat_path(), "ps", "--json", base / "run"}) < generous_ms);
    standing.send("go on");
    CHECK(standing.wait().status == 0);
}
