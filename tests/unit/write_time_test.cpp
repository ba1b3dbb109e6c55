// What the report says over time, and of waits at once; and the sinks' ways with names that programs chose.
#include "reporter/write/event_sink.h"
#include "reporter/write/json.h"
#include "reporter/write/text.h"

#include "tests/support/command.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr std::int64_t second = 1'000'000'000;

Report windows(unsigned count) {
    Report report;
    report.run.started_at_ns = 1'700'000'000 * second;
    for (unsigned i = 0; i < count; ++i) {
        Window window;
        window.start_at_ns = report.run.started_at_ns + static_cast<std::int64_t>(i) * second;
        window.duration_ns = second;
        window.counters.push_back({"filelock.enter", "/l", "flock", 10, 1000, 0});
        window.counters.push_back(
            {"filelock.wait", "/l", "flock", i, i * 1'000'000U, i == 0 ? 0U : 900'000U + i});
        window.counters.push_back({"pytorch.filelock.enter", "", "", 3, 300, 0});
        report.windows.push_back(window);
    }
    return report;
}

std::vector<std::string> series(const Report &report, const TextOptions &options = {}) {
    const std::string text = to_text(report, options);
    std::istringstream lines(text.substr(std::min(text.find("Over time\n"), text.size())));
    std::vector<std::string> result;
    for (std::string line; std::getline(lines, line) && !line.empty();) {
        result.push_back(line);
    }
    return result;
}

monitor::Event odd_event() {
    return {"flockstat.Stat",
            {},
            {{"odd.name.count", std::int64_t{2}},
             {"odd.name.sum", std::int64_t{1'500'000'000}},
             {"odd.name.max", std::int64_t{1'000'000'000}},
             {"unit", "ns"},
             {"family", "flock"},
             {"lock", std::string("/a\"b\\c\nd\xff")}}};
}

} // namespace

TEST_CASE("each window is a line, with a bar as long as it waited") {
    const auto lines = series(windows(4));
    REQUIRE(lines.size() == 6);
    CHECK(lines[2].find("+0 ns") != std::string::npos);
    CHECK(lines[2].find('#') == std::string::npos);
    CHECK(lines[5].find("+3.00 s") != std::string::npos);
    CHECK(std::count(lines[5].begin(), lines[5].end(), '#') == 30);
    CHECK(std::count(lines[3].begin(), lines[3].end(), '#') == 10);
    CHECK(series(windows(0)).empty());
}

TEST_CASE("many windows are put together, and nothing of them is lost") {
    const auto lines = series(windows(100));
    REQUIRE(lines.size() <= 26);
    std::int64_t acquired = 0;
    for (std::size_t i = 2; i < lines.size(); ++i) {
        std::istringstream cells(lines[i]);
        std::string from, from_unit, duration, duration_unit;
        std::int64_t count = 0;
        cells >> from >> from_unit >> duration >> duration_unit >> count;
        acquired += count;
    }
    CHECK(acquired == 1000);
}

TEST_CASE("windows stand in JSON by lock and counter") {
    const auto json = nlohmann::json::parse(to_json(windows(2)));
    const auto &window = json["windows"][1];
    CHECK(window["start"] == "2023-11-14T22:13:21.000Z");
    CHECK(window["duration_ns"] == second);
    CHECK(window["locks"][0]["path"] == "/l");
    CHECK(window["locks"][0]["filelock.wait"]["max_ns"] == 900'001);
    CHECK(window["locks"][0]["filelock.enter"]["mean_ns"] == 100);
    CHECK(window["counters"]["pytorch.filelock.enter"]["count"] == 3);
}

TEST_CASE("those who waited at once are told of, where any did") {
    Report report;
    report.concurrency["filelock.enter"] = {};
    CHECK(to_text(report, {}).find("Waiting at once") == std::string::npos);
    report.concurrency["some.wait"] = {1, 7, 2'000'000'000};
    report.counters["some.wait"] = {};
    const std::string text = to_text(report, {});
    CHECK(text.find("Waiting at once") != std::string::npos);
    CHECK(text.find("1        7  2.00 s  some.wait") != std::string::npos);
    const auto json = nlohmann::json::parse(to_json(report));
    CHECK(json["concurrency"]["some.wait"]["max_active"] == 7);
}

TEST_CASE("metrics of odd names are what promtool takes, and escape what they must") {
    const test::TempDirectory base;
    const auto sink = make_open_metrics(base / "m.prom");
    sink->handle(odd_event());
    sink->handle(odd_event());
    sink->flush();
    const std::string text = test::read_file(base / "m.prom");
    INFO(text);
    CHECK(
        text.find("flockstat_odd_name_seconds_sum{family=\"flock\",lock=\"/a\\\"b\\\\c\\nd\\\\xff\"} 3\n") !=
        std::string::npos);
    CHECK(text.find("_count{family=\"flock\",lock=\"/a\\\"b\\\\c\\nd\\\\xff\"} 4\n") != std::string::npos);
    CHECK(text.find("flockstat_odd_name_max_seconds{") != std::string::npos);
    CHECK(text.ends_with("# EOF\n"));
    CHECK(test::run_command(test::shell("promtool check metrics <m.prom", base.path())).status == 0);
}

TEST_CASE("a JSON line is valid whatever a path holds") {
    const test::TempDirectory base;
    const auto sink = make_json_lines(base / "e.jsonl");
    sink->handle(odd_event());
    sink->flush();
    const std::string text = test::read_file(base / "e.jsonl");
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    const auto json = nlohmann::json::parse(text);
    CHECK(json["data"]["lock"] == "/a\"b\\c\nd\\xff");
    CHECK(json["data"]["odd.name.sum"] == 1'500'000'000);
    CHECK(json["time"] == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("a sink that cannot write says which file") {
    CHECK_THROWS_WITH(make_json_lines("/nowhere/e"), Catch::Contains("/nowhere/e"));
    const auto full = make_json_lines("/dev/full");
    full->handle(odd_event());
    CHECK_THROWS_WITH(full->flush(), Catch::Contains("/dev/full") && Catch::Contains("No space"));
    CHECK_NOTHROW(full->flush());
}
