#include <set>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Locks that are taken in orders that can deadlock, by programs that do no such thing: one process after the
// other.

namespace {

std::vector<json> order_findings(const json &report) {
    std::vector<json> found;
    for (const json &finding : report["findings"]) {
        if (finding["kind"].get<std::string>().starts_with("lock-order")) {
            found.push_back(finding);
        }
    }
    return found;
}

/// The kinds of what is found for these scripts of tests/programs/orders.c.
std::vector<std::string> kinds_for(const std::string &family, std::vector<std::string> scripts) {
    const TempDirectory base;
    std::vector<std::string> command{program("orders"), family, (base / "l").string()};
    command.insert(command.end(), scripts.begin(), scripts.end());
    const RecordedRun run = flockstat_run({.argv = command}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    std::vector<std::string> kinds;
    for (const json &finding : order_findings(run.report)) {
        kinds.push_back(finding["kind"]);
    }
    return kinds;
}

const std::vector<std::string> none;
const std::vector<std::string> inversion{"lock-order-inversion"};
const std::vector<std::string> gated{"lock-order-gated"};

std::set<std::string> functions_at(const json &report, const json &site) {
    std::set<std::string> functions;
    for (const json &frame : report["sites"][site.get<std::size_t>()]["frames"]) {
        if (frame["function"].is_string()) {
            functions.insert(frame["function"]);
        }
    }
    return functions;
}

} // namespace

TEST_CASE("locks that are taken in both orders are found, though nobody waited", "[lock-order]") {
    const std::string family = GENERATE("flock", "posix", "ofd", "lockf");
    INFO(family);
    CHECK(kinds_for(family, {"ab", "ba"}) == inversion);
    CHECK(kinds_for(family, {"ab", "ab"}) == none);
    CHECK(kinds_for(family, {"a-ab", "b-ba"}) == none); // one at a time
    CHECK(kinds_for(family, {"ab", "bc", "ca"}) == inversion);
    CHECK(kinds_for(family, {"ab", "bc", "cd", "ac"}) == none);
    CHECK(kinds_for(family, {"ab-a-ba-ab", "ba"}) == inversion);
    CHECK(kinds_for(family, {"gab", "gba"}) == gated);
    CHECK(kinds_for(family, {"gab", "gba", "ba"}) == inversion);
    CHECK(kinds_for(family, {"xab", "yba"}) == inversion);
}

TEST_CASE("what shared locks cannot do to each other is no inversion", "[lock-order]") {
    const std::string family = GENERATE("flock", "posix", "ofd");
    INFO(family);
    CHECK(kinds_for(family, {"~a~b", "~b~a"}) == none);
    CHECK(kinds_for(family, {"~ab", "~ba"}) == inversion);
    CHECK(kinds_for(family, {"~ab", "b~a"}) == none); // who has a shared does not keep out who wants it so
    CHECK(kinds_for(family, {"~gab", "~gba"}) == inversion); // a shared gate lets both in
    CHECK(kinds_for(family, {"~gab", "gba"}) == gated);
}

TEST_CASE("bytes of one file that are taken in order are no inversion", "[lock-order]") {
    CHECK(kinds_for("posix", {"a1a2", "a2a1"}) == none);
    CHECK(kinds_for("posix", {"a1b1", "b2a2"}) == none); // nobody's way is blocked
    CHECK(kinds_for("posix", {"a1b1", "b1a1"}) == inversion);
    CHECK(kinds_for("posix", {"~a1b1a2", "a1b1"}) == none); // more of what it has
}

TEST_CASE("a child has what its parent had when it was made", "[lock-order]") {
    CHECK(kinds_for("flock", {"a|b", "ba"}) == inversion);
    CHECK(kinds_for("ofd", {"a|b", "ba"}) == inversion);
    CHECK(kinds_for("posix", {"a|b", "ba"}) == none); // not inherited (man 2 fcntl)
}

TEST_CASE("flock commands inside of each other take their locks in order", "[lock-order]") {
    const TempDirectory base;
    const auto findings_of = [&](const std::string &script, const std::string &name) {
        const RecordedRun run =
            flockstat_run({.argv = {"sh", "-c", script, "sh", base / "a", base / "b"}}, base / name);
        INFO(run.outcome.err);
        REQUIRE(run.outcome.status == 0);
        return order_findings(run.report);
    };
    CHECK(findings_of(R"(flock "$1" flock "$2" true; flock "$1" flock "$2" true)", "same").empty());
    CHECK(findings_of(R"(flock "$1" flock "$2" true; flock "$2" flock "$1" true)", "both").size() == 1);
    CHECK(findings_of(R"(flock -o "$1" flock "$2" true; flock -o "$2" flock "$1" true)", "closed").empty());
    CHECK(findings_of(R"((flock 9; flock "$2" true) 9>"$1"; flock "$2" flock "$1" true)", "9").size() == 1);
}

TEST_CASE("sqlite3's writers take their locks in order", "[lock-order]") {
    const TempDirectory base;
    const std::string mode = GENERATE("delete", "wal");
    INFO(mode);
    const std::string script =
        "sqlite3 \"$1\" 'pragma journal_mode=" + mode +
        "; create table t(x)' && for i in 1 2 3; do (for j in 1 2 3; do"
        " sqlite3 -cmd '.timeout 20000' \"$1\" 'begin immediate; insert into t values(1);"
        " select count(*) from t; commit'; done) & done; wait";
    const RecordedRun run = flockstat_run({.argv = {"sh", "-c", script, "sh", base / "x.db"}}, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(order_findings(run.report).empty());
}

TEST_CASE("an inversion is shown with the code of both sides", "[lock-order][python]") {
    const TempDirectory base;
    const RecordedRun run = flockstat_run(
        {.argv = {"/usr/bin/python3", program_source("two_filelocks.py"), base / "a.lock", base / "b.lock"}},
        base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    const std::vector<json> findings = order_findings(run.report);
    REQUIRE(findings.size() == 1);
    const json &sites = findings[0]["sites"];
    REQUIRE(sites.size() == 4);
    const auto lock = [&](const json &site) {
        return run.report["sites"][site.get<std::size_t>()]["lock"].get<std::size_t>();
    };
    CHECK(lock(sites[0]) == lock(sites[3]));
    CHECK(lock(sites[1]) == lock(sites[2]));
    CHECK(lock(sites[0]) != lock(sites[1]));
    const bool a_first = functions_at(run.report, sites[0]).count("a_then_b") == 1;
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(functions_at(run.report, sites[i]).count((i < 2) == a_first ? "a_then_b" : "b_then_a") == 1);
    }
    const Outcome text = run_flockstat({"report", (base / "run").string()});
    INFO(text.out);
    CHECK(text.out.find("are locked in both orders") != std::string::npos);
    CHECK(text.out.find("b_then_a") != std::string::npos);
}

TEST_CASE("a ring of processes that wait for ever is a finding, too", "[lock-order]") {
    const TempDirectory base;
    Process ring(under_flockstat({.argv = {program("ring"), "3", base / "l"}}, base / "run"));
    REQUIRE(ring.read_line().starts_with("ring"));
    const auto waiting = [&] {
        const json ps = json::parse(run_flockstat({"ps", "--json", (base / "run").string()}).out);
        return ps["runs"][0]["waiting"].size();
    };
    while (waiting() != 3) {} // as soon as they all have asked
    const std::vector<json> findings = order_findings(read_report(base / "run"));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0]["kind"] == "lock-order-inversion");
    CHECK(findings[0]["sites"].size() == 6);
    ring.send("go");
    CHECK(ring.wait().status == 0);
}
