#include "tests/support/recorded_run.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/support/places.h"

namespace flockstat::test {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// What the report says must be what the run's end said. Which of two regions that ended at once was the last
// is not defined, and the summary of a bare run is another writer's.
void check_same_numbers(json summary, json report) {
    CHECK(counts_of(summary) == counts_of(report));
    for (json *counters : {&summary["counters"], &report["counters"]}) {
        for (json &stat : *counters)
            stat.erase("value_ns");
    }
    CHECK(summary["counters"] == report["counters"]);
}

void load(RecordedRun &run) {
    if (!fs::exists(run.directory))
        return;
    // A bare preload's first process writes the summary as it exits: one that is killed leaves none.
    if (fs::exists(run.directory / "summary.json")) {
        run.summary = json::parse(read_file(run.directory / "summary.json"));
        check_report(run.summary);
    }
    run.report = read_report(run.directory);
    if (!run.summary.is_null())
        check_same_numbers(run.summary, run.report);
}

} // namespace

Command under_flockstat(const Command &command, const fs::path &directory,
                        const std::vector<std::string> &options) {
    Command wrapped = command;
    std::vector<std::string> prefix = {flockstat_path(), "run", "--quiet", "-o", directory};
    prefix.insert(prefix.end(), options.begin(), options.end());
    prefix.emplace_back("--");
    wrapped.argv.insert(wrapped.argv.begin(), prefix.begin(), prefix.end());
    return wrapped;
}

Command preloaded(const Command &command, const fs::path &directory) {
    Command wrapped = command;
    wrapped.environment["LD_PRELOAD"] = shim_path();
    wrapped.environment["FLOCKSTAT_DIR"] = directory;
    return wrapped;
}

RecordedRun flockstat_run(const Command &command, const fs::path &directory,
                          const std::vector<std::string> &options) {
    RecordedRun run;
    run.directory = directory;
    run.outcome = run_command(under_flockstat(command, directory, options));
    load(run);
    CHECK(run.summary.is_null() == run.report.is_null()); // it leaves both or neither
    return run;
}

RecordedRun preload_run(const Command &command, const fs::path &directory) {
    RecordedRun run;
    run.directory = directory;
    run.outcome = run_command(preloaded(command, directory));
    load(run);
    return run;
}

Outcome run_flockstat(const std::vector<std::string> &arguments) {
    Command command;
    command.argv = {flockstat_path()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return run_command(command);
}

json read_report(const fs::path &directory) {
    const Outcome outcome = run_flockstat({"report", directory, "-f", "json"});
    if (outcome.status != 0)
        throw std::runtime_error("flockstat report failed: " + outcome.err + outcome.out);
    json report = json::parse(outcome.out);
    check_report(report);
    return report;
}

json lock_of(const json &report, const fs::path &path, const std::string &family) {
    INFO("looking for " << family << " " << path << " in " << report["locks"].dump(1));
    json found;
    int matches = 0;
    for (const json &lock : report["locks"]) {
        if (lock["path"] != path.string() || lock["family"] != family)
            continue;
        found = lock;
        ++matches;
    }
    REQUIRE(matches == 1);
    return found;
}

LockCounts counts_of(const json &report) {
    LockCounts counts;
    for (const json &lock : report["locks"]) {
        CallCounts &count = counts[{lock["path"].get<std::string>(), lock["family"].get<std::string>()}];
        count.attempts += lock["attempts"].get<std::int64_t>();
        count.granted += lock["granted"].get<std::int64_t>();
        count.refused += lock["refused"].get<std::int64_t>();
        count.unlocks += lock["unlocks"].get<std::int64_t>();
        count.tests += lock["tests"].get<std::int64_t>();
    }
    return counts;
}

std::int64_t sum_of(const json &object, const std::vector<std::string> &keys) {
    std::int64_t sum = 0;
    for (const std::string &key : keys)
        sum += object.at(key).get<std::int64_t>();
    return sum;
}

} // namespace flockstat::test
