#include "tests/support/relay.h"

#include <iterator>
#include <sstream>

#include "tests/support/e2e.h"

namespace flockstat::test {

using nlohmann::json;

namespace {

constexpr std::int64_t no_bound = -1;

/// What "held LOW HIGH" says; no_bound where nothing was marked.
struct Held {
    std::int64_t low_ns = no_bound, high_ns = no_bound;
};

Held held_of(const std::string &out) {
    Held held;
    std::istringstream words(out);
    std::string held_word;
    words >> held_word >> held.low_ns >> held.high_ns;
    return words ? held : Held{};
}

std::vector<std::string> words_of(const std::string &text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
}

json run_relay(const TempDirectory &base, const std::string &family, const std::string &steps,
               const std::string &around, Held *held) {
    const std::string path = base / "l";
    Command command{.argv = {program("relay"), family, path}, .limit = std::chrono::seconds(60)};
    if (!around.empty())
        command.argv.insert(command.argv.begin(), around);
    for (const std::string &step : words_of(steps))
        command.argv.push_back(step);
    const RecordedRun run = flockstat_run(command, base / "run");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    *held = held_of(run.outcome.out);
    return lock_of(run.report, path, family);
}

} // namespace

void check_relay(const std::string &family, const Relay &relay, const std::string &around) {
    INFO(family << ": " << relay.what << ": " << relay.steps);
    const TempDirectory base;
    Held held;
    const json lock = run_relay(base, family, relay.steps, around, &held);
    INFO("released: " << lock["released"].dump() << ", region: " << lock["region"].dump());
    int sampled = 0;
    for (const auto &[cause, count] : lock["released"].items()) {
        INFO(cause);
        const int expected = relay.released.contains(cause) ? relay.released.at(cause) : 0;
        CHECK(count == expected);
        sampled += cause == "unknown" || cause == "still_held" ? 0 : expected;
    }
    CHECK(lock["region"]["count"] == sampled);
    if (held.low_ns != no_bound) {
        // Two clocks, converted: a hundredth of slack.
        const auto sum_ns = lock["region"]["sum_ns"].get<std::int64_t>();
        CHECK(sum_ns >= held.low_ns - held.low_ns / 100 - 1'000);
        CHECK(sum_ns <= held.high_ns + held.high_ns / 100 + 1'000);
        CHECK(lock["held_open_ns"] == 0);
    }
}

void check_description_relays(const std::vector<Relay> &relays, const std::string &around) {
    for (const Relay &relay : relays) {
        check_relay("flock", relay, around);
        check_relay("ofd", relay, around);
    }
}

} // namespace flockstat::test
