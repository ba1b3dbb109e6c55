#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/recorded_run.h"

namespace flockstat::test {

using nlohmann::json;

namespace {

std::int64_t number(const json &object, const char *key) { return object.at(key).get<std::int64_t>(); }

// Nothing that flockstat reports can be below zero, wherever it stands; -1 would be an errno or a lost index.
void check_nothing_negative(const json &value) {
    if (value.is_number()) {
        if (value.is_number_integer() && !value.is_number_unsigned())
            CHECK(value.get<std::int64_t>() >= 0);
        if (value.is_number_float())
            CHECK(value.get<double>() >= 0);
    } else if (value.is_structured()) {
        for (const auto &[key, member] : value.items()) {
            INFO(key);
            check_nothing_negative(member);
        }
    }
}

void check_stat(const json &stat) {
    INFO(stat.dump());
    const std::int64_t count = number(stat, "count");
    if (count == 0) {
        CHECK(number(stat, "sum_ns") == 0);
        return;
    }
    const std::int64_t least = number(stat, "min_ns");
    const std::int64_t most = number(stat, "max_ns");
    CHECK(least <= number(stat, "value_ns"));
    CHECK(number(stat, "value_ns") <= most);
    CHECK(count * least <= number(stat, "sum_ns"));
    CHECK(number(stat, "sum_ns") <= count * most);
    CHECK(stat.at("mean_ns").get<double>() ==
          Approx(double(number(stat, "sum_ns")) / double(count)).margin(1.0));
    if (!stat.contains("p50_ns"))
        return;
    CHECK(least <= number(stat, "p50_ns"));
    CHECK(number(stat, "p50_ns") <= number(stat, "p90_ns"));
    CHECK(number(stat, "p90_ns") <= number(stat, "p99_ns"));
    CHECK(number(stat, "p99_ns") <= most);
}

std::int64_t inner(const json &object, const char *outer_key, const char *key) {
    return number(object.at(outer_key), key);
}

void check_modes(const json &lock) {
    for (const char *counter : {"enter", "region"}) {
        INFO(counter);
        const json &shared = lock.at("shared").at(counter);
        const json &exclusive = lock.at("exclusive").at(counter);
        check_stat(shared);
        check_stat(exclusive);
        for (const char *key : {"count", "sum_ns"}) {
            CHECK(number(shared, key) + number(exclusive, key) == inner(lock, counter, key));
        }
    }
}

void check_lock(const json &lock) {
    INFO(lock.dump(1));
    const std::int64_t ends = sum_of(lock, {"granted", "refused", "interrupted", "deadlocked", "failed"});
    CHECK(number(lock, "attempts") == ends);
    CHECK(number(lock, "acquisitions") == number(lock, "granted"));
    CHECK(inner(lock, "enter", "count") == number(lock, "acquisitions"));
    CHECK(inner(lock, "wait", "count") == number(lock, "contended"));
    CHECK(number(lock, "polled") <= number(lock, "contended"));
    CHECK(number(lock, "contended") <= number(lock, "acquisitions"));
    CHECK(inner(lock, "overshoot", "count") <= number(lock, "polled"));
    CHECK(inner(lock, "wait", "sum_ns") <= inner(lock, "enter", "sum_ns"));
    // Regions that were held at the end, or whose end or start was not seen, are no samples.
    const json &released = lock.at("released");
    CHECK(inner(lock, "region", "count") <=
          sum_of(released, {"unlock", "close", "exit", "exec", "converted"}));
    for (const char *counter : {"enter", "region", "exit", "wait", "overshoot"}) {
        INFO(counter);
        check_stat(lock.at(counter));
    }
    check_modes(lock);
}

void check_sums(const json &report) {
    std::int64_t attempts = 0;
    for (const char *counter : {"enter", "region"}) {
        INFO(counter);
        std::int64_t count = 0;
        std::int64_t sum_ns = 0;
        for (const json &lock : report.at("locks")) {
            count += inner(lock, counter, "count");
            sum_ns += inner(lock, counter, "sum_ns");
        }
        const json &whole = report.at("counters").at(std::string("filelock.") + counter);
        if (inner(report, "lost", "locks") > 0) { // their calls have no lock to be listed with
            CHECK(number(whole, "count") >= count);
            CHECK(number(whole, "sum_ns") >= sum_ns);
            continue;
        }
        CHECK(number(whole, "count") == count);
        CHECK(number(whole, "sum_ns") == sum_ns);
    }
    for (const json &lock : report.at("locks"))
        attempts += number(lock, "attempts");
    for (const auto &[family, lost] : report.at("unattributed").items())
        attempts += number(lost, "attempts");
    std::int64_t of_processes = 0;
    std::int64_t enters = 0;
    std::int64_t killed = 0; // each may have counted one part of the call that it was killed in
    for (const json &process : report.at("processes")) {
        of_processes += number(process, "attempts");
        killed += process.at("ended") == "killed" ? 1 : 0;
        enters += inner(process, "enter", "count");
        for (const char *counter : {"enter", "region", "wait"})
            check_stat(process.at(counter));
    }
    if (inner(report, "lost", "processes") > 0)
        return;
    // So may each of the calls that a signal handler left inside of us, which are among the lost ones.
    killed += inner(report, "lost", "calls");
    CHECK(std::abs(of_processes - attempts) <= killed);
    CHECK(std::abs(enters - inner(report.at("counters"), "filelock.enter", "count")) <= killed);
}

void check_sites(const json &report) {
    std::vector<std::int64_t> of_sites(report.at("locks").size(), 0);
    for (const json &site : report.at("sites")) {
        const std::size_t lock = site.at("lock").get<std::size_t>();
        REQUIRE(lock < of_sites.size());
        of_sites[lock] += number(site, "acquisitions");
        CHECK(number(site, "contended") <= number(site, "acquisitions"));
        CHECK(inner(site, "enter", "count") == number(site, "acquisitions"));
        for (const char *counter : {"enter", "region", "wait"})
            check_stat(site.at(counter));
    }
    if (inner(report, "lost", "stacks") > 0 || report.at("sites").empty())
        return;
    for (std::size_t i = 0; i < of_sites.size(); ++i)
        CHECK(of_sites[i] == number(report.at("locks")[i], "acquisitions"));
}

/// What a site waited is blamed on somebody, or on nobody. A summary that the shim wrote says nothing of it.
void check_blame(const json &report) {
    std::vector<std::int64_t> blamed_ns(report.at("sites").size(), 0);
    for (const json &blame : report.at("blame")) {
        const std::size_t waiter = blame.at("waiter").get<std::size_t>();
        REQUIRE(waiter < blamed_ns.size());
        CHECK(blame.at("lock") == report["sites"][waiter]["lock"]);
        blamed_ns[waiter] += number(blame, "wait_ns");
    }
    for (std::size_t i = 0; i < blamed_ns.size() && !report.at("blame").empty(); ++i) {
        const std::int64_t wait_ns = inner(report["sites"][i], "wait", "sum_ns");
        INFO(report["sites"][i].dump(1));
        CHECK(std::abs(blamed_ns[i] - wait_ns) <= wait_ns / 100 + 1'000);
    }
}

} // namespace

void check_report(const json &report) {
    CHECK(report.at("schema") == "flockstat.report/1");
    check_nothing_negative(report);
    for (const auto &[name, stat] : report.at("counters").items()) {
        INFO(name);
        check_stat(stat);
    }
    for (const json &lock : report.at("locks"))
        check_lock(lock);
    check_sums(report);
    check_sites(report);
    check_blame(report);
}

} // namespace flockstat::test
