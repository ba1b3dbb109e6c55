#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Who holds and who waits while a run goes on.

namespace {

json ps(const std::string &target) {
    const Outcome outcome = run_flockstat({"ps", target, "--json"});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out);
}

/// Asks until `enough(held, waiting)`: what is waited for is seen a moment after it was asked for.
template<typename Enough>
json ps_until(const std::string &target, Enough enough) {
    for (int tries = 0;; ++tries) {
        const json answer = ps(target);
        REQUIRE(answer["runs"].size() == 1);
        const json &run = answer["runs"][0];
        if (enough(run["held"], run["waiting"])) {
            return run;
        }
        INFO(answer.dump(1));
        REQUIRE(tries < 600);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

} // namespace

TEST_CASE("processes that wait for one another in a ring are a deadlock", "[ps]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process ring(under_flockstat({.argv = {program("ring"), "3", path}}, base / "run"));
    std::istringstream line(ring.read_line());
    std::string word;
    std::set<int> pids;
    line >> word;
    REQUIRE(word == "ring");
    for (int pid = 0; line >> pid;) {
        pids.insert(pid);
    }
    const json run = ps_until((base / "run").string(), [](const json &held, const json &waiting) {
        return held.size() == 3 && waiting.size() == 3;
    });
    std::set<int> waiting;
    for (const json &wanted : run["waiting"]) {
        INFO(wanted.dump(1));
        waiting.insert(wanted["pid"].get<int>());
        CHECK(wanted["deadlocked"] == true);
        CHECK(wanted["polling"] == false);
        CHECK(wanted["family"] == "flock");
        REQUIRE(wanted["behind"].size() == 1);
        const json &obstacle = run["held"][wanted["behind"][0].get<std::size_t>()];
        CHECK(obstacle["path"] == wanted["path"]);
        CHECK(obstacle["pid"] != wanted["pid"]);
    }
    CHECK(waiting == pids);

    // A process finds its run, and so does who asks for all.
    const json by_pid = ps(std::to_string(*pids.begin()));
    REQUIRE(by_pid["runs"].size() == 1);
    CHECK(by_pid["runs"][0]["directory"] == run["directory"]);
    const Outcome text = run_flockstat({"ps", (base / "run").string()});
    CHECK(text.out.find("DEADLOCK: wanted by pid") != std::string::npos);
    CHECK(text.out.find(path + ".0") != std::string::npos);

    ring.send("end");
    CHECK(ring.wait().status == 0);
    CHECK(ps((base / "run").string())["runs"].empty()); // over
}

TEST_CASE("a deadlock is seen of processes that did nothing with each other's file before", "[ps]") {
    const TempDirectory base;
    Process ring(under_flockstat({.argv = {program("ring"), "2", base / "l", "new"}}, base / "run"));
    REQUIRE(ring.read_line().starts_with("ring"));
    const json run = ps_until(base / "run", [](const json &held, const json &waiting) {
        return held.size() == 2 && waiting.size() == 2;
    });
    INFO(run.dump(1));
    for (const json &wanted : run["waiting"]) {
        CHECK(wanted["deadlocked"] == true);
        CHECK(wanted["family"] == "flock");
        REQUIRE(wanted["behind"].size() == 1);
        CHECK(run["held"][wanted["behind"][0].get<std::size_t>()]["path"] == wanted["path"]);
    }
    const json report = read_report(base / "run");
    REQUIRE(report["findings"].size() == 1);
    CHECK(report["findings"][0]["kind"] == "lock-order-inversion");
    ring.send("end");
    CHECK(ring.wait().status == 0);
}

TEST_CASE("who waits for bytes is behind those alone who hold some of them", "[ps]") {
    const std::string family = GENERATE("posix", "ofd", "lockf", "current");
    INFO(family);
    const TempDirectory base;
    Process chain(under_flockstat({.argv = {program("byte_chain"), family, base / "l"}}, base / "run"));
    std::istringstream line(chain.read_line());
    std::string word;
    std::vector<int> pids(3);
    REQUIRE(line >> word >> pids[0] >> pids[1] >> pids[2]);
    const json run = ps_until(base / "run", [](const json &held, const json &waiting) {
        return held.size() == 3 && waiting.size() == 2;
    });
    INFO(run.dump(1));
    for (const json &wanted : run["waiting"]) {
        const auto number = std::ranges::find(pids, wanted["pid"].get<int>()) - pids.begin();
        CHECK(wanted["range"] == json::array({10 * (number + 1), 10 * (number + 1) + 9}));
        CHECK(wanted["deadlocked"] == false);
        REQUIRE(wanted["behind"].size() == 1);
        const json &obstacle = run["held"][wanted["behind"][0].get<std::size_t>()];
        CHECK(obstacle["range"] == wanted["range"]);
        CHECK(obstacle["pid"] == pids.at(static_cast<std::size_t>(number) + 1));
    }
    chain.send("end");
    CHECK(chain.wait().status == 0);
}

TEST_CASE("a poller and a thread that is blocked stand behind whoever holds the lock", "[ps]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder(under_flockstat({.argv = {program("hold"), "posix", path}}, base / "run"));
    REQUIRE(holder.read_line() == "held");
    Process waiter(under_flockstat({.argv = {program("wait_lock"), "posix", path}}, base / "other"));
    REQUIRE(waiter.read_line() == "waiting");
    // The waiter is of another run: nothing of this one is in its way.
    const json other = ps((base / "other").string());
    CHECK((other["runs"].empty() || other["runs"][0]["held"].empty()));
    const json run =
        ps_until((base / "run").string(), [](const json &held, const json &) { return held.size() == 1; });
    CHECK(run["held"][0]["path"] == path);
    CHECK(run["held"][0]["mode"] == "exclusive");
    CHECK(run["waiting"].empty());
    holder.send("go");
    CHECK(holder.wait().status == 0);
    CHECK(waiter.wait().status == 0);
}

TEST_CASE("who waits in the first lock call of its process is seen", "[ps]") {
    const TempDirectory base;
    const std::string path = base / "l";
    Process holder({.argv = {program("hold"), "flock", path}});
    REQUIRE(holder.read_line() == "held");
    Process waiter(under_flockstat({.argv = {"flock", path, "true"}}, base / "run"));
    json waiting = json::array();
    for (int tries = 0; waiting.empty(); ++tries) { // the run begins when its command does
        REQUIRE(tries < 600);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const Outcome outcome = run_flockstat({"ps", "--json", (base / "run").string()});
        const json runs = outcome.status == 0 ? json::parse(outcome.out)["runs"] : json::array();
        waiting = runs.empty() ? json::array() : runs[0]["waiting"];
    }
    INFO(waiting.dump(1));
    CHECK(waiting.size() == 1);
    CHECK(waiting[0]["mode"] == "exclusive");
    CHECK(waiting[0]["command"] == json::array({"flock", path, "true"}));
    CHECK(waiting[0]["path"] == path); // the kernel knows which one it is
    CHECK(waiting[0]["family"] == "flock");
    holder.send("go");
    CHECK(holder.wait().status == 0);
    CHECK(waiter.wait().status == 0);
    const json report = json::parse(run_flockstat({"report", "-f", "json", (base / "run").string()}).out);
    CHECK(report["run"]["complete"] == true);
}

TEST_CASE("who polls for long for what a process outside the run holds is told whose it is", "[ps]") {
    const TempDirectory base;
    const std::string path = base / "x.db";
    Process holder({.argv = {program("hold"), "posix", path}});
    REQUIRE(holder.read_line() == "held");
    Process poller(under_flockstat(
        {.argv = {"sqlite3", "-cmd", ".timeout 100000", path, "select 1 from sqlite_master"}}, base / "run"));
    const auto runs = [&] {
        const Outcome outcome = run_flockstat({"ps", "--json", (base / "run").string()});
        return outcome.status == 0 ? json::parse(outcome.out)["runs"] : json::array();
    };
    json outside = json::array();
    for (int tries = 0; outside.empty(); ++tries) { // the run begins when sqlite3 does
        REQUIRE(tries < 600);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const json all = runs();
        outside = all.empty() ? json::array() : all[0]["outside"];
    }
    INFO(outside.dump(1));
    REQUIRE(outside.size() == 1);
    CHECK(outside[0]["pid"] == holder.pid());
    CHECK(outside[0]["path"] == path);
    CHECK(outside[0]["mode"] == "exclusive");
    CHECK(outside[0]["command"][0].get<std::string>().ends_with("hold"));
    const Outcome text = run_flockstat({"ps", (base / "run").string()});
    CHECK(text.out.find("held outside the run by pid " + std::to_string(holder.pid())) != std::string::npos);
    holder.send("go");
    CHECK(holder.wait().status == 0);
    CHECK(poller.wait().status == 0);
}

TEST_CASE("what is no run is named", "[ps]") {
    const TempDirectory base;
    for (const std::string &target : {std::string("1"), (base / "nothing").string()}) {
        const Outcome outcome = run_flockstat({"ps", target});
        CHECK(outcome.status == 1);
        CHECK(outcome.out.empty());
        CHECK(outcome.err.find(target) != std::string::npos);
        CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    }
}
