// Events and handlers: order, registration from inside, exceptions, unknown handles.
#include "reporter/monitor/event.h"

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <vector>

using namespace flockstat::monitor;

namespace {

Event event_named(const std::string &name) { return {name, std::chrono::system_clock::time_point(), {}}; }

} // namespace

TEST_CASE("events are equal where name, time and data are", "[monitor]") {
    const Event event{"a.B", std::chrono::system_clock::time_point(std::chrono::seconds(1)), {{"k", 1.0}}};
    Event other = event;
    CHECK(event == other);
    other.name = "a.C";
    CHECK_FALSE(event == other);
    other = event;
    other.timestamp += std::chrono::seconds(1);
    CHECK_FALSE(event == other);
    other = event;
    other.data["k"] = std::int64_t{1}; // another type is another value
    CHECK_FALSE(event == other);
}

TEST_CASE("data holds strings, doubles, integers and bools", "[monitor]") {
    const EventData data = {{"s", "text"}, {"d", 1.5}, {"i", std::int64_t{-3}}, {"b", true}};
    CHECK(std::get<std::string>(data.at("s")) == "text");
    CHECK(std::get<double>(data.at("d")) == 1.5);
    CHECK(std::get<std::int64_t>(data.at("i")) == -3);
    CHECK(std::get<bool>(data.at("b")));
}

TEST_CASE("handlers receive an event in the order of registration, until they are unregistered",
          "[monitor]") {
    std::vector<std::string> seen;
    const auto first =
        register_event_handler([&](const Event &event) { seen.push_back("first " + event.name); });
    const auto second =
        register_event_handler([&](const Event &event) { seen.push_back("second " + event.name); });
    log_event(event_named("x"));
    CHECK(seen == std::vector<std::string>{"first x", "second x"});
    CHECK(unregister_event_handler(first));
    log_event(event_named("y"));
    CHECK(seen == std::vector<std::string>{"first x", "second x", "second y"});
    CHECK(unregister_event_handler(second));
    log_event(event_named("z"));
    CHECK(seen.size() == 3);
}

TEST_CASE("a handle that is not known ends nothing", "[monitor]") {
    CHECK_FALSE(unregister_event_handler({}));
    CHECK_FALSE(unregister_event_handler({123456789}));
    int calls = 0;
    const auto handle = register_event_handler([&](const Event &) { ++calls; });
    CHECK(unregister_event_handler(handle));
    CHECK_FALSE(unregister_event_handler(handle));
    const auto next = register_event_handler([&](const Event &) { ++calls; });
    CHECK_FALSE(next == handle);
    CHECK_FALSE(unregister_event_handler(handle)); // not the one that came after it
    log_event(event_named("x"));
    CHECK(calls == 1);
    CHECK(unregister_event_handler(next));
}

TEST_CASE("an empty handler is refused", "[monitor]") {
    CHECK_THROWS_AS(register_event_handler({}), std::invalid_argument);
}

TEST_CASE("a handler may log", "[monitor]") {
    std::vector<std::string> seen;
    const auto handle = register_event_handler([&](const Event &event) {
        seen.push_back(event.name);
        if (event.name == "outer") {
            log_event(event_named("inner"));
        }
    });
    log_event(event_named("outer"));
    CHECK(seen == std::vector<std::string>{"outer", "inner"});
    CHECK(unregister_event_handler(handle));
}

TEST_CASE("a handler may register another one, which receives the next event", "[monitor]") {
    std::vector<std::string> seen;
    EventHandlerHandle late;
    const auto handle = register_event_handler([&](const Event &) {
        if (late == EventHandlerHandle{}) {
            late = register_event_handler([&](const Event &event) { seen.push_back(event.name); });
        }
    });
    log_event(event_named("a"));
    CHECK(seen.empty());
    log_event(event_named("b"));
    CHECK(seen == std::vector<std::string>{"b"});
    CHECK(unregister_event_handler(handle));
    CHECK(unregister_event_handler(late));
}

TEST_CASE("a handler may unregister itself and the ones after it", "[monitor]") {
    int first_calls = 0;
    int second_calls = 0;
    EventHandlerHandle first;
    EventHandlerHandle second;
    first = register_event_handler([&](const Event &) {
        ++first_calls;
        CHECK(unregister_event_handler(first));
        CHECK(unregister_event_handler(second));
    });
    second = register_event_handler([&](const Event &) { ++second_calls; });
    log_event(event_named("a"));
    log_event(event_named("b"));
    CHECK(first_calls == 1);
    CHECK(second_calls == 0); // it was unregistered before its turn came
}

TEST_CASE("an exception of one handler keeps no other from the event, and comes out of log_event",
          "[monitor]") {
    int calls = 0;
    const auto first = register_event_handler([](const Event &) { throw std::runtime_error("first"); });
    const auto second = register_event_handler([](const Event &) { throw std::runtime_error("second"); });
    const auto third = register_event_handler([&](const Event &) { ++calls; });
    CHECK_THROWS_WITH(log_event(event_named("a")), "first");
    CHECK(calls == 1);
    for (const auto handle : {first, second, third}) {
        CHECK(unregister_event_handler(handle));
    }
}

TEST_CASE("what a handler holds is let go of when it is unregistered", "[monitor]") {
    struct Unregisters { // a handler whose end calls back
        EventHandlerHandle other;
        bool *done;
        ~Unregisters() { *done = unregister_event_handler(other); }
    };
    bool done = false;
    const auto other = register_event_handler([](const Event &) {});
    const auto handle = register_event_handler(
        [held = std::shared_ptr<Unregisters>(new Unregisters{other, &done})](const Event &) {});
    CHECK(unregister_event_handler(handle));
    CHECK(done);
}
