// Limits: how they are read, and which locks break them.
#include "reporter/analyze/rules.h"
#include "reporter/write/check_text.h"

#include <catch2/catch.hpp>

using namespace flockstat::reporter;

namespace {

Rule rule_of(const std::string &text) {
    const auto parsed = parse_rule(text);
    if (const auto *wrong = std::get_if<std::string>(&parsed)) {
        FAIL(*wrong);
    }
    return std::get<Rule>(parsed);
}

LockReport lock_of(const std::string &path) {
    LockReport lock;
    lock.path = path;
    lock.attempts = 40;
    lock.refused = 20;
    lock.acquisitions = 20;
    lock.contended = 1;
    lock.abandoned = 2;
    lock.enter = {20, 900, 45, 1, 200, 9, 30, 60, 100};
    return lock;
}

Report example() {
    Report report;
    report.groups.push_back({lock_of("/srv/a.db"), {}});
    report.groups.push_back({lock_of("/tmp/b\x1b.lock"), {}});
    report.groups[1].sum.enter.p99_ns = 50;
    return report;
}

std::string check_all(const std::string &rule) {
    const std::vector<Rule> rules = {rule_of(rule)};
    return check_text(example(), rules, broken_rules(example(), rules));
}

bool is_kept(const std::string &rule) { return check_all(rule).empty(); }

} // namespace

TEST_CASE("limits of rules have units", "[rules]") {
    CHECK(rule_of("enter.p99=10ms").limit == 10'000'000);
    CHECK(rule_of("wait.max=1.5s").limit == 1'500'000'000);
    CHECK(rule_of("region.mean=250us").limit == 250'000);
    CHECK(rule_of("region.mean=250µs").limit == 250'000);
    CHECK(rule_of("exit.sum=2m").limit == 120'000'000'000);
    CHECK(rule_of("overshoot.p50=7ns").limit == 7);
    CHECK(rule_of("wait.sum=0").limit == 0);
    CHECK(rule_of("wait.count=12").limit == 12);
    CHECK(rule_of("abandoned=0").unit == Unit::count);
    CHECK(rule_of("contended=5%").unit == Unit::share);
    CHECK(rule_of("contended=2.5%").share == Approx(0.025));
    CHECK(rule_of("contended=5").limit == 5);
}

TEST_CASE("what stands before the last colon of a rule is its pattern", "[rules]") {
    CHECK(rule_of("abandoned=0").pattern.empty());
    CHECK(rule_of("/srv/*.db:abandoned=0").pattern == "/srv/*.db");
    CHECK(rule_of("/a:b=c:abandoned=0").pattern == "/a:b=c");
}

TEST_CASE("what is no rule is told in one line", "[rules]") {
    for (const char *text : {"",
                             "abandoned",
                             "=3",
                             "abandoned=",
                             "abandoned=x",
                             "abandoned=-1",
                             "abandoned=1.5",
                             "abandoned=5%",
                             "abandoned=1ms",
                             "enter=10ms",
                             "enter.p98=10ms",
                             "sleep.p99=10ms",
                             "enter.p99=10",
                             "enter.p99=5%",
                             "enter.p99=10 ms",
                             "enter.p99=ms",
                             "enter.p99=nan",
                             "enter.p99=inf",
                             "enter.p99=-1ms",
                             "enter.count=1ms",
                             "attempts=5%",
                             ":abandoned=0",
                             "/run/dir"}) {
        INFO(text);
        const auto parsed = parse_rule(text);
        const auto *wrong = std::get_if<std::string>(&parsed);
        REQUIRE(wrong != nullptr);
        CHECK(wrong->find("'" + std::string(text) + "' is no rule: ") == 0);
        CHECK(wrong->find('\n') == std::string::npos);
    }
}

TEST_CASE("a rule is broken by more than its limit only", "[rules]") {
    CHECK(is_kept("enter.p99=100ns"));
    CHECK(check_all("enter.p99=99ns") == "/srv/a.db (flock): enter.p99 is 100 ns, over enter.p99=99ns\n");
    CHECK(is_kept("contended=5%"));
    CHECK_FALSE(is_kept("contended=4.9%"));
    CHECK(is_kept("refused=50%"));
    CHECK_FALSE(is_kept("refused=49%"));
    CHECK(is_kept("contended=1"));
    CHECK_FALSE(is_kept("contended=0"));
    CHECK(is_kept("abandoned=2"));
    CHECK_FALSE(is_kept("abandoned=1"));
    CHECK_FALSE(is_kept("enter.count=19"));
    CHECK_FALSE(is_kept("enter.sum=899ns"));
    CHECK_FALSE(is_kept("enter.max=199ns"));
}

TEST_CASE("a rule with a pattern concerns the locks that match", "[rules]") {
    CHECK(is_kept("/tmp/*:enter.p99=99ns"));
    CHECK_FALSE(is_kept("/srv/*:enter.p99=99ns"));
    CHECK_FALSE(is_kept("*.db:enter.p99=99ns"));
    CHECK_FALSE(is_kept("/srv/?.db:enter.p99=99ns"));
    CHECK(concerns_a_lock(rule_of("*.db:abandoned=0"), example()));
    CHECK_FALSE(concerns_a_lock(rule_of("*.dbx:abandoned=0"), example()));
    CHECK_FALSE(concerns_a_lock(rule_of("abandoned=0"), Report{}));
}

TEST_CASE("broken rules are told a line each, without steering the terminal", "[rules]") {
    CHECK(check_all("contended=1%") == "/srv/a.db (flock): contended is 1 (5 %), over contended=1%\n"
                                       "/tmp/b\\x1b.lock (flock): contended is 1 (5 %), over contended=1%\n");
}

TEST_CASE("locks without acquisitions break no share", "[rules]") {
    Report report;
    report.groups.push_back({LockReport{}, {}});
    CHECK(broken_rules(report, {rule_of("contended=0%"), rule_of("refused=0%"), rule_of("enter.p99=0")})
              .empty());
}
