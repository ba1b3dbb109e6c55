#include <algorithm>
#include <sstream>

#include "tests/support/e2e.h"
#include "tests/support/readers.h"

using namespace flockstat::test;
using nlohmann::json;

// Reports in the formats of other tools: programs of others find the same numbers as the JSON report has.

namespace {

std::string report_text(const RecordedRun &run, std::vector<std::string> options) {
    options.insert(options.begin(), {"report", run.directory.string(), "-f"});
    const Outcome outcome = run_flockstat(options);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return outcome.out;
}

/// Three processes that wait for one another, each in a function of its own: first, second, third.
RecordedRun convoy(const TempDirectory &base) {
    RecordedRun run = flockstat_run({.argv = {program("convoy"), "flock", base / "l"}}, base / "run");
    REQUIRE(run.outcome.status == 0);
    return run;
}

/// The sum of `key` over the sites that have a frame of that function.
std::uint64_t of_function(const json &report, const std::string &function, const json::json_pointer &key) {
    std::uint64_t sum = 0;
    for (const json &site : report["sites"]) {
        const json &frames = site["frames"];
        if (std::any_of(frames.begin(), frames.end(),
                        [&](const json &frame) { return frame["function"] == function; }))
            sum += site.at(key).get<std::uint64_t>();
    }
    return sum;
}

/// What csv has for a value of JSON.
std::string cell_of(const json &value) {
    return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump();
}

/// Each column of a row that is named like a key ("wait_p99_ns" like wait.p99_ns) holds the same.
std::size_t check_row(const std::map<std::string, std::string> &row, const json &object) {
    std::size_t compared = 0;
    for (const auto &[column, cell] : row) {
        const std::size_t bar = column.find('_');
        const std::string outer = column.substr(0, bar);
        const json *value = object.contains(column) ? &object[column] : nullptr;
        if (value == nullptr && object.contains(outer) && object[outer].is_object())
            value = &object[outer].at(column.substr(bar + 1));
        if (value != nullptr && !value->is_array()) {
            INFO(column);
            CHECK(cell == cell_of(*value));
            ++compared;
        }
    }
    return compared;
}

} // namespace

TEST_CASE("Python's csv module reads each table", "[formats]") {
    const TempDirectory base;
    const RecordedRun run = convoy(base);
    const std::map<std::string, std::size_t> least_columns = {
        {"locks", 50}, {"sites", 25}, {"processes", 20}, {"blame", 5}};
    for (const auto &[table, least] : least_columns) {
        INFO(table);
        const auto rows = read_csv(report_text(run, {"csv", "--table", table}));
        const json &expected = run.report[table];
        REQUIRE(rows.size() == expected.size());
        for (std::size_t i = 0; i < rows.size(); ++i)
            CHECK(check_row(rows[i], expected[i]) >= least);
    }
    const auto sites = read_csv(report_text(run, {"csv", "--table", "sites"}));
    REQUIRE(sites.size() == 3);
    CHECK(sites[0].at("path") == base / "l");
    CHECK(sites[0].at("stack").find(";main;") != std::string::npos);
    CHECK(report_text(run, {"csv"}) == report_text(run, {"csv", "--table", "locks"}));
}

TEST_CASE("flamegraph.pl draws folded stacks", "[formats]") {
    const TempDirectory base;
    const RecordedRun run = convoy(base);
    const bool holds = GENERATE(false, true);
    const json::json_pointer key(holds ? "/region/sum_ns" : "/wait/sum_ns");
    const auto frames =
        read_folded(holds ? report_text(run, {"folded", "--weight", "hold"}) : report_text(run, {"folded"}));
    const std::uint64_t total = run.report["locks"][0].at(key);
    CHECK(frames.at("all") == total);
    CHECK(frames.at(base / "l") == total);
    for (const char *function : {"first", "second", "third"}) {
        INFO(function);
        const std::uint64_t expected = of_function(run.report, function, key);
        CHECK((frames.count(function) == 0 ? 0 : frames.at(function)) == expected);
        CHECK((expected > 0 || (!holds && function == std::string("first"))));
    }
}

TEST_CASE("go tool pprof reads the profile", "[formats]") {
    const TempDirectory base;
    const RecordedRun run = convoy(base);
    const std::string profile = base / "p.pb.gz";
    CHECK(report_text(run, {"pprof", "-O", profile}).empty());
    const std::map<std::string, json::json_pointer> keys = {{"waits", json::json_pointer("/wait/count")},
                                                            {"wait", json::json_pointer("/wait/sum_ns")},
                                                            {"holds", json::json_pointer("/region/count")},
                                                            {"hold", json::json_pointer("/region/sum_ns")}};
    for (const auto &[type, key] : keys) {
        INFO(type);
        const auto functions = pprof_top(profile, type);
        CHECK(functions.at("main").cumulative == run.report["locks"][0].at(key));
        for (const char *function : {"second", "third"})
            CHECK(functions.at(function).cumulative == of_function(run.report, function, key));
    }
    // Who is told apart by label: each process's own waits.
    for (const json &process : run.report["processes"]) {
        const std::uint64_t wait_ns = process["wait"]["sum_ns"];
        const std::string pid = process["pid"].dump();
        const std::string peek =
            pprof(profile, {"-top", "-unit=ns", "-sample_index=wait", "-tagfocus=pid=" + pid + ":" + pid});
        INFO(peek);
        if (wait_ns > 0)
            CHECK(peek.find("accounting for " + std::to_string(wait_ns) + "ns") != std::string::npos);
    }
    const std::string tags = pprof(profile, {"-tags", "-sample_index=waits"});
    INFO(tags);
    CHECK(tags.find(base / "l") != std::string::npos);
    CHECK(tags.find(": convoy") != std::string::npos);
    CHECK(tags.find(": flock") != std::string::npos);
}

TEST_CASE("promtool takes the metrics of a report", "[formats]") {
    const TempDirectory base;
    const RecordedRun run = convoy(base);
    const json lock = lock_of(run.report, base / "l", "flock");
    const std::string text = report_text(run, {"openmetrics", "-O", base / "run.prom"});
    CHECK(text.empty());
    const Outcome checked = run_command(shell("promtool check metrics <run.prom", base.path()));
    INFO(checked.out << checked.err);
    CHECK(checked.status == 0);
    CHECK((checked.out + checked.err).empty());

    const std::string metrics = read_file(base / "run.prom");
    INFO(metrics);
    const std::string labels = "family=\"flock\",lock=\"" + (base / "l").string() + "\"";
    const auto has = [&](const std::string &name, const std::string &more, const std::string &value) {
        return metrics.find("\n" + name + "{" + labels + more + "} " + value + "\n") != std::string::npos;
    };
    CHECK(has("flockstat_acquisitions", "", "3"));
    CHECK(has("flockstat_contended", "", "2"));
    CHECK(has("flockstat_filelock_wait_seconds_count", "", "2"));
    CHECK(has("flockstat_attempts", ",result=\"refused\"", lock["refused"].dump()));
    const std::string median = "\nflockstat_filelock_wait_seconds{" + labels + ",quantile=\"0.5\"} ";
    const std::size_t at = metrics.find(median);
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(metrics.substr(at + median.size())) ==
          Approx(lock["wait"]["p50_ns"].get<double>() / 1e9).epsilon(1e-9));
    CHECK(metrics.find("\nflockstat_lost{what=\"calls\"} 0\n") != std::string::npos);
}

namespace {

/// What TracerBench's model makes of a run's trace.
json read_trace(const RecordedRun &run, const std::filesystem::path &file) {
    CHECK(report_text(run, {"perfetto", "-O", file.string()}).empty());
    const std::filesystem::path reader = program_source("../browser/read_trace.mjs");
    const Outcome outcome = run_command({.argv = {"node", reader.string(), file.string()}});
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out);
}

/// The slices of the process with that pid that have this category.
std::vector<json> slices_of(const json &model, const json &pid, const std::string &category) {
    std::vector<json> slices;
    for (const json &process : model["processes"])
        for (const json &track : process["tracks"])
            for (const json &slice : track["slices"])
                if (process["pid"] == pid && slice["cat"] == category)
                    slices.push_back(slice);
    return slices;
}

bool is_at(const json &slice, const std::string &function) {
    const json &site = slice["args"]["site"];
    return std::any_of(site.begin(), site.end(), [&](const json &frame) {
        return frame.get<std::string>().rfind(function + " (", 0) == 0;
    });
}

} // namespace

TEST_CASE("TracerBench's model reads the trace", "[formats]") {
    const TempDirectory base;
    const RecordedRun run = convoy(base);
    const json model = read_trace(run, base / "trace.json");

    // What each process says it did, by its own clock: "second ASKED GOT LET_GO".
    std::istringstream told(run.outcome.out);
    std::string name;
    for (double asked_ns = 0, got_ns = 0, let_go_ns = 0; told >> name >> asked_ns >> got_ns >> let_go_ns;) {
        INFO(name);
        const json &processes = run.report["processes"];
        std::size_t found = 0;
        for (const json &process : processes) {
            const std::vector<json> holds = slices_of(model, process["pid"], "hold");
            const std::vector<json> waits = slices_of(model, process["pid"], "wait");
            if (holds.empty() || !is_at(holds[0], name))
                continue;
            ++found;
            REQUIRE(holds.size() == 1);
            CHECK(holds[0]["args"]["lock"] == (base / "l").string());
            CHECK(holds[0]["duration"].get<double>() * 1001 >= let_go_ns - got_ns);
            REQUIRE(waits.size() == (name == "first" ? 0 : 1));
            for (const json &wait : waits) {
                CHECK(is_at(wait, name));
                CHECK(wait["nested"] == false);
                CHECK(wait["duration"].get<double>() * 999 <= got_ns - asked_ns);
                CHECK(wait["duration"].get<double>() * 1000 ==
                      Approx(process["wait"]["sum_ns"].get<double>()));
            }
        }
        CHECK(found == 1);
    }
    REQUIRE(model["arrows"].size() == 2);
    for (const json &arrow : model["arrows"]) {
        REQUIRE(arrow["from"].size() == 1);
        REQUIRE(arrow["to"].size() == 1);
        CHECK(arrow["from"][0]["cat"] == "hold");
        CHECK(is_at(arrow["from"][0], "first"));
        CHECK(arrow["to"][0]["cat"] == "wait");
        CHECK(arrow["at"] <= arrow["until"]);
    }
}
