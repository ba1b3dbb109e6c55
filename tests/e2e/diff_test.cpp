#include "tests/support/e2e.h"

using namespace flockstat::test;

// Runs against runs: whatever files they used.

namespace {

/// Two runs in DIR of a convoy of three processes on a lock of their own; the second of these waits for the
/// first, the third for both.
void record_convoys(const TempDirectory &base, const std::string &name, const std::string &family) {
    for (const char *file : {"1.lock", "2.lock"}) {
        const Command command = {.argv = {program("convoy"), family, base / (name + file)}};
        const bool first = !std::filesystem::exists(std::string(base / name));
        const Outcome outcome = run_command(under_flockstat(
            command, base / name, first ? std::vector<std::string>{} : std::vector<std::string>{"--add"}));
        INFO(outcome.err);
        REQUIRE(outcome.status == 0);
    }
}

nlohmann::json diff(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "diff");
    arguments.emplace_back("--json");
    const Outcome outcome = run_flockstat(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK(outcome.err.empty());
    return nlohmann::json::parse(outcome.out);
}

} // namespace

TEST_CASE("runs are compared by patterns of their paths", "[diff]") {
    const TempDirectory base;
    record_convoys(base, "old", "posix");
    record_convoys(base, "new", "posix");

    CHECK(diff({base / "old", base / "new"})["locks"].size() == 4);

    const nlohmann::json json = diff({base / "old", base / "new", "--match", "*.lock"});
    CHECK(json["runs"] == nlohmann::json{{"before", 2}, {"after", 2}});
    REQUIRE(json["locks"].size() == 1);
    const nlohmann::json &lock = json["locks"][0];
    CHECK(lock["path"] == "*.lock");
    CHECK(lock["waits"]["before"] == 2);
    CHECK(lock["waits"]["after"] == 2);
    CHECK(lock["waits"]["high"] == 0);
    CHECK(lock["sites"].size() == 3); // where each of the three locks
    const std::int64_t before_ns = lock["wait_ns"]["before"];
    const auto old_report = read_report(base / "old");
    CHECK(std::abs(2 * before_ns - old_report["locks"][0]["wait"]["sum_ns"].get<std::int64_t>() -
                   old_report["locks"][1]["wait"]["sum_ns"].get<std::int64_t>()) <= 2);
    CHECK(lock["wait_ns"]["low"] <= lock["wait_ns"]["change"]);
    CHECK(lock["wait_ns"]["high"] >= lock["wait_ns"]["change"]);

    // The same as directories on both sides; a text for people.
    const Outcome text = run_flockstat({"diff", base / "old", "--vs", base / "new", "--match", "*.lock"});
    CHECK(text.status == 0);
    CHECK(text.out.find("compared  2 runs with 2 runs") != std::string::npos);
    CHECK(text.out.find("\n1. *.lock\n   posix lock\n") != std::string::npos);
}

TEST_CASE("what cannot be compared is told", "[diff]") {
    const TempDirectory base;
    const Outcome nothing = run_flockstat({"diff", base.path(), base / "no"});
    CHECK(nothing.status == 1);
    CHECK(nothing.out.empty());
    CHECK(nothing.err.find("flockstat: ") == 0);
    for (const std::vector<std::string> &words :
         std::vector<std::vector<std::string>>{{"diff"},
                                               {"diff", "a"},
                                               {"diff", "a", "b", "c"},
                                               {"diff", "--vs", "a"},
                                               {"diff", "a", "--vs"}}) {
        const Outcome wrong = run_flockstat(words);
        INFO(wrong.err);
        CHECK(wrong.status == 2);
        CHECK(wrong.out.empty());
        CHECK(std::count(wrong.err.begin(), wrong.err.end(), '\n') == 1);
    }
}
