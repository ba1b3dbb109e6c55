// Stats: windows, max_samples, aggregations, and handlers that use the very Stat whose event they receive.
#include "reporter/monitor/stat.h"

#include <catch2/catch.hpp>

#include <limits>
#include <stdexcept>
#include <thread>

using namespace flockstat::monitor;
using namespace std::chrono_literals;

namespace {

constexpr auto all = {Aggregation::value, Aggregation::mean, Aggregation::count,
                      Aggregation::sum,   Aggregation::max,  Aggregation::min};

/// A steady clock that stands still until it is moved.
struct HandClock {
    std::chrono::steady_clock::time_point now{1'000'000'000ms}; // a multiple of every window here
    [[nodiscard]] StatOptions options(std::int64_t max_samples = unlimited_samples) {
        return {.max_samples = max_samples, .labels = {}, .clock = [this] { return now; }};
    }
};

/// All events that are logged while it lives.
struct Caught {
    std::vector<Event> events;
    EventHandlerHandle handle =
        register_event_handler([this](const Event &event) { events.push_back(event); });
    Caught() = default;
    Caught(const Caught &) = delete;
    Caught &operator=(const Caught &) = delete;
    ~Caught() { unregister_event_handler(handle); }
};

double number(const Event &event, const std::string &key) { return std::get<double>(event.data.at(key)); }
std::int64_t integer(const Event &event, const std::string &key) {
    return std::get<std::int64_t>(event.data.at(key));
}

} // namespace

TEST_CASE("a Stat with max_samples 2 closes at the second sample", "[monitor]") {
    HandClock clock;
    const Caught caught;
    Stat<double> stat("a", {Aggregation::mean, Aggregation::count}, 1s, clock.options(2));
    stat.add(5.0);
    CHECK(stat.count() == 1);
    CHECK(caught.events.empty());
    stat.add(6.0);
    CHECK(stat.count() == 0);
    CHECK(stat.get() == std::map<Aggregation, double>{{Aggregation::mean, 5.5}, {Aggregation::count, 2}});
    REQUIRE(caught.events.size() == 1);
    CHECK(number(caught.events[0], "a.mean") == 5.5);
}

TEST_CASE("least and greatest start from the first sample", "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", {Aggregation::min, Aggregation::max}, 1s, clock.options(6));
    for (const std::int64_t sample : {0, 5, -5, -6, 9, 2}) {
        stat.add(sample);
    }
    CHECK(stat.get() == std::map<Aggregation, std::int64_t>{{Aggregation::min, -6}, {Aggregation::max, 9}});
    Stat<double> above("b", {Aggregation::min}, 1s, clock.options(1));
    above.add(3);
    CHECK(above.get()[Aggregation::min] == 3);
    Stat<double> below("c", {Aggregation::max}, 1s, clock.options(1));
    below.add(-3);
    CHECK(below.get()[Aggregation::max] == -3);
}

TEST_CASE("samples of a window that max_samples closed are dropped, and the next window counts again",
          "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", {Aggregation::count, Aggregation::sum}, 1s, clock.options(3));
    for (const std::int64_t sample : {1, 2, 3}) {
        stat.add(sample);
    }
    CHECK(stat.count() == 0);
    const Caught caught;
    stat.add(4);
    CHECK(stat.count() == 0);
    CHECK(stat.get() == std::map<Aggregation, std::int64_t>{{Aggregation::count, 3}, {Aggregation::sum, 6}});
    clock.now += 1s;
    stat.add(5);
    CHECK(stat.count() == 1);
    CHECK(caught.events.empty());
}

TEST_CASE("a window closes when a sample comes in the next one, with its own samples only", "[monitor]") {
    HandClock clock;
    const Caught caught;
    Stat<std::int64_t> stat("a", {Aggregation::sum, Aggregation::count}, 1s, clock.options());
    stat.add(1);
    clock.now += 999ms; // windows are aligned to the clock, which stood at the start of one
    stat.add(2);
    CHECK(caught.events.empty());
    clock.now += 1ms;
    stat.add(3);
    REQUIRE(caught.events.size() == 1);
    CHECK(integer(caught.events[0], "a.sum") == 3);
    CHECK(integer(caught.events[0], "a.count") == 2);
    CHECK(stat.count() == 1);
}

TEST_CASE("windows are aligned to the clock, not to the first sample", "[monitor]") {
    HandClock clock;
    clock.now += 999ms;
    const Caught caught;
    Stat<std::int64_t> stat("a", {Aggregation::count}, 1s, clock.options());
    stat.add(1);
    clock.now += 1ms;
    stat.add(1);
    CHECK(caught.events.size() == 1);
}

TEST_CASE("the event of a window has its name, the aggregations asked for, the labels and the time",
          "[monitor]") {
    HandClock clock;
    const Caught caught;
    StatOptions options = clock.options();
    options.labels = {{"lock", std::string("/a")}, {"shared", true}};
    Stat<double> stat("some.counter", all, 1s, options);
    stat.add(4);
    stat.add(1);
    stat.add(2.5);
    const auto before = std::chrono::system_clock::now();
    stat.close();
    REQUIRE(caught.events.size() == 1);
    const Event &event = caught.events[0];
    CHECK(event.name == "flockstat.Stat");
    CHECK(event.timestamp >= before);
    CHECK(event.timestamp <= std::chrono::system_clock::now());
    CHECK(event.data == EventData{{"some.counter.value", 2.5},
                                  {"some.counter.mean", 2.5},
                                  {"some.counter.count", 3.0},
                                  {"some.counter.sum", 7.5},
                                  {"some.counter.max", 4.0},
                                  {"some.counter.min", 1.0},
                                  {"lock", std::string("/a")},
                                  {"shared", true}});
}

TEST_CASE("no event comes from an empty window, and destruction emits what is left", "[monitor]") {
    HandClock clock;
    const Caught caught;
    {
        Stat<std::int64_t> stat("a", {Aggregation::sum}, 1s, clock.options());
        CHECK(stat.get() == std::map<Aggregation, std::int64_t>{{Aggregation::sum, 0}});
        stat.close();
        CHECK(caught.events.empty());
        stat.add(7);
    }
    REQUIRE(caught.events.size() == 1);
    CHECK(integer(caught.events[0], "a.sum") == 7);
}

TEST_CASE("the mean of integers truncates", "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", {Aggregation::mean}, 1s, clock.options(2));
    stat.add(1);
    stat.add(2);
    CHECK(stat.get()[Aggregation::mean] == 1);
    CHECK(SampleSum<std::int64_t>{}.aggregated(Aggregation::mean) == 0);
    SampleSum<std::int64_t> below;
    below.add(-1);
    below.add(-2);
    CHECK(below.aggregated(Aggregation::mean) == -1);
}

TEST_CASE("a sum of integers stops at the end of its range", "[monitor]") {
    SampleSum<std::int64_t> sum;
    sum.add(std::numeric_limits<std::int64_t>::max());
    sum.add(1);
    CHECK(sum.sum == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("samples that were summed up elsewhere count as so many", "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", all, 1s, clock.options());
    stat.add(10);
    stat.add_all({.count = 3, .sum = 33, .min = 2, .max = 29, .value = 2});
    stat.add_all({});
    CHECK(stat.count() == 4);
    stat.close();
    CHECK(stat.get() == std::map<Aggregation, std::int64_t>{{Aggregation::value, 2},
                                                            {Aggregation::mean, 10},
                                                            {Aggregation::count, 4},
                                                            {Aggregation::sum, 43},
                                                            {Aggregation::max, 29},
                                                            {Aggregation::min, 2}});
}

TEST_CASE("a Stat refuses windows and limits that mean nothing", "[monitor]") {
    CHECK_THROWS_AS(Stat<double>("a", {}, 0ms), std::invalid_argument);
    CHECK_THROWS_AS(Stat<double>("a", {}, -1ms), std::invalid_argument);
    CHECK_THROWS_AS(Stat<double>("a", {}, 1s, 0), std::invalid_argument);
    CHECK_THROWS_AS(Stat<double>("a", {}, 1s, -2), std::invalid_argument);
    HandClock clock;
    Stat<double> unlimited("a", {}, 1s, clock.options(-1));
    unlimited.add(1);
    unlimited.add(2);
    CHECK(unlimited.count() == 2);
}

TEST_CASE("every aggregation has its lower-case word", "[monitor]") {
    std::vector<std::string_view> words;
    for (const Aggregation aggregation : all) {
        words.push_back(aggregation_name(aggregation));
    }
    CHECK(words == std::vector<std::string_view>{"value", "mean", "count", "sum", "max", "min"});
}

TEST_CASE("a handler may add to the Stat whose event it receives", "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", {Aggregation::count}, 1s, clock.options());
    const auto handle = register_event_handler([&](const Event &) {
        stat.add(100);
        (void)stat.count();
        (void)stat.get();
    });
    stat.add(1);
    clock.now += 1s;
    stat.add(2);
    CHECK(stat.count() == 2); // the sample that closed the window, and the handler's
    CHECK(unregister_event_handler(handle));
}

TEST_CASE("a handler that throws leaves a Stat as it should be", "[monitor]") {
    HandClock clock;
    const auto handle = register_event_handler([](const Event &) { throw std::runtime_error("handler"); });
    {
        Stat<std::int64_t> stat("a", {Aggregation::sum}, 1s, clock.options());
        stat.add(1);
        clock.now += 1s;
        CHECK_THROWS_WITH(stat.add(2), "handler");
        CHECK(stat.count() == 1);
        CHECK(stat.get()[Aggregation::sum] == 1);
    } // its last window ends here: destruction does not throw
    CHECK(unregister_event_handler(handle));
}

TEST_CASE("samples of several threads are all counted", "[monitor]") {
    HandClock clock;
    Stat<std::int64_t> stat("a", {Aggregation::sum}, 1s, clock.options());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) {
                stat.add(1);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(stat.count() == 4000);
}

TEST_CASE("a handler that throws at one window does not keep the next from being logged", "[monitor]") {
    HandClock clock;
    int logged = 0;
    const EventHandlerHandle handle = register_event_handler([&](const Event & /*event*/) {
        ++logged;
        throw std::runtime_error("full");
    });
    Stat<std::int64_t> stat("a", {Aggregation::count}, 1s, clock.options(2));
    stat.add(1);
    clock.now += 1s;
    CHECK_THROWS_AS(stat.add_all({2, 5, 2, 3, 3}), std::runtime_error); // ends both windows
    CHECK(logged == 2);
    unregister_event_handler(handle);
}
