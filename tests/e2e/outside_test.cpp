#include "reporter/read/run.h"

#include "tests/support/e2e.h"

#include <chrono>
#include <thread>

using namespace flockstat;
using namespace flockstat::test;
using nlohmann::json;

// What a report says of processes outside the run.

namespace {

/// Waits until the run has noted `looks` of them from look to look.
void await_outside_holder(const std::string &directory) {
    for (int tries = 0;; ++tries) {
        REQUIRE(tries < 1'200);
        std::this_thread::sleep_for(std::chrono::milliseconds(50)); // there is nothing to be woken by
        try {
            for (const auto &file : reporter::run_files(directory)) {
                const reporter::Run run = reporter::read_run(file);
                if (!run.outside_holders.empty() && run.outside_holders[0].seen_ns != 0) {
                    return;
                }
            }
        } catch (const reporter::ReadError &) { // there is no run yet
        }
    }
}

} // namespace

TEST_CASE("a report names who outside the run held what somebody waited for", "[outside]") {
    const TempDirectory base;
    const std::string path = base / "x.db";
    const bool polled = GENERATE(false, true);
    CAPTURE(polled);
    Process holder({.argv = {program("hold"), polled ? "posix" : "flock", path}});
    REQUIRE(holder.read_line() == "held");
    const std::vector<std::string> waiting =
        polled ? std::vector<std::string>{"sqlite3", "-cmd", ".timeout 100000", path,
                                          "select 1 from sqlite_master"}
               : std::vector<std::string>{"flock", path, "true"};
    Process waiter(under_flockstat({.argv = waiting}, base / "run"));
    await_outside_holder(base / "run");
    holder.send("go");
    CHECK(holder.wait().status == 0);
    const Outcome outcome = waiter.wait();
    CHECK(outcome.status == 0);

    const json report = json::parse(run_flockstat({"report", "-f", "json", (base / "run").string()}).out);
    const json lock = lock_of(report, path, polled ? "posix" : "flock");
    INFO(lock.dump(1));
    REQUIRE(lock["held_outside"].size() == 1);
    const json seen = lock["held_outside"][0];
    CHECK(seen["pid"] == holder.pid());
    CHECK(seen["processes"] == 1);
    CHECK(seen["mode"] == "exclusive");
    CHECK(seen["command"] == json::array({program("hold"), polled ? "posix" : "flock", path}));
    CHECK(seen["seen_ns"] > 0);
    CHECK(seen["seen_ns"] <= lock["wait"]["sum_ns"]);
    const std::string text = run_flockstat({"report", (base / "run").string()}).out;
    CHECK(text.find("Outside the run") != std::string::npos);
    CHECK(text.find(std::to_string(holder.pid())) != std::string::npos);
}

TEST_CASE("holders of the run itself are not outside of it", "[outside]") {
    const TempDirectory base;
    // The second one waits long enough to be asked about, unless the machine is very busy.
    const std::string path = base / "l";
    const RecordedRun run = flockstat_run(
        {.argv = {"sh", "-c", "flock " + path + " sleep 1 & sleep 0.3; flock " + path + " true; wait"}},
        base / "run");
    CHECK(lock_of(run.report, path, "flock")["held_outside"].empty());
}
