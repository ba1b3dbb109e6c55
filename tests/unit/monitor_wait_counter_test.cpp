// Wait counters: guards, backends, factories, the dynamic backend, concurrency.
#include "reporter/monitor/wait_counter.h"
#include "reporter/monitor/wait_totals.h"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <thread>

using namespace flockstat::monitor;

namespace {

struct Call {
    std::string what; ///< "start KEY", "stop KEY"
    SteadyTime at;
    std::intptr_t context;
};
std::vector<Call> calls;
std::vector<std::string> asked; ///< keys that the factory below was asked for

class Recorder : public WaitCounterBackend {
public:
    explicit Recorder(std::string_view key) : key_(key) {}
    std::intptr_t start(SteadyTime now) noexcept override {
        calls.push_back({"start " + key_, now, ++contexts_});
        return contexts_;
    }
    void stop(SteadyTime now, std::intptr_t context) noexcept override {
        calls.push_back({"stop " + key_, now, context});
    }

private:
    std::string key_;
    std::intptr_t contexts_ = 0;
};

/// Registers a factory that takes keys of these tests only, once.
void record_keys() {
    static const bool once = [] {
        register_wait_counter_backend_factory(
            [](std::string_view key) -> std::unique_ptr<WaitCounterBackend> {
                if (!key.starts_with("test.")) {
                    return nullptr;
                }
                asked.emplace_back(key);
                return key == "test.declined" ? nullptr : std::make_unique<Recorder>(key);
            });
        return true;
    }();
    CHECK(once);
    calls.clear();
}

std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const Call &call : calls) {
        result.push_back(call.what);
    }
    return result;
}

} // namespace

TEST_CASE("a guard stops its wait once, when asked or when it goes", "[monitor]") {
    record_keys();
    const WaitCounter counter("test.once");
    {
        WaitGuard guard = counter.start();
        guard.stop();
        guard.stop();
    }
    CHECK(names() == std::vector<std::string>{"start test.once", "stop test.once"});
    { const WaitGuard guard = counter.start(); }
    REQUIRE(calls.size() == 4);
    CHECK(calls[2].context == 2);
    CHECK(calls[3].context == 2); // what start returned comes back
    CHECK(calls[3].at >= calls[2].at);
}

TEST_CASE("a guard moves, and what it was moved from stops nothing", "[monitor]") {
    static_assert(!std::is_copy_constructible_v<WaitGuard> && !std::is_copy_assignable_v<WaitGuard>);
    static_assert(std::is_nothrow_move_constructible_v<WaitGuard>);
    record_keys();
    const WaitCounter counter("test.moved");
    {
        WaitGuard outer;
        {
            WaitGuard inner = counter.start();
            outer = std::move(inner);
        }
        CHECK(calls.size() == 1);
        outer = counter.start(); // ends the wait that was in it
        CHECK(names().back() == "stop test.moved");
        CHECK(calls.back().context == 1);
        WaitGuard &same = outer;
        outer = std::move(same);
        CHECK(calls.size() == 3);
    }
    CHECK(calls.size() == 4);
    CHECK(calls.back().context == 2);
}

TEST_CASE("another thread may stop a wait, and waits overlap in any order", "[monitor]") {
    record_keys();
    const WaitCounter counter("test.threads");
    WaitGuard first = counter.start();
    WaitGuard second = counter.start();
    std::thread([moved = std::move(first)]() mutable { moved.stop(); }).join();
    CHECK(calls.back().context == 1);
    second.stop();
    CHECK(calls.back().context == 2);
}

TEST_CASE("backends are found once, at a key's first use; a factory may decline", "[monitor]") {
    record_keys();
    asked.clear();
    for (int i = 0; i < 3; ++i) {
        (void)WaitCounter("test.first").start();
        (void)WaitCounter("test.declined").start();
    }
    CHECK(asked == std::vector<std::string>{"test.first", "test.declined"});
    CHECK(calls.size() == 6);
    static int late = 0;
    register_wait_counter_backend_factory([](std::string_view key) -> std::unique_ptr<WaitCounterBackend> {
        late += key == "test.first" ? 1 : 0;
        return nullptr;
    });
    (void)WaitCounter("test.first").start(); // known: nobody is asked again
    CHECK(late == 0);
    CHECK_THROWS_AS(register_wait_counter_backend_factory({}), std::invalid_argument);
}

TEST_CASE("every backend of a key has the same time", "[monitor]") {
    record_keys();
    register_wait_counter_backend_factory([](std::string_view key) -> std::unique_ptr<WaitCounterBackend> {
        return key == "test.two" ? std::make_unique<Recorder>(key) : nullptr;
    });
    (void)WaitCounter("test.two").start();
    REQUIRE(calls.size() == 4);
    CHECK(calls[0].at == calls[1].at);
    CHECK(calls[2].at == calls[3].at);
}

TEST_CASE("concurrency: waiting now, most at once, and the time that somebody waited", "[monitor]") {
    Concurrency waits;
    CHECK(waits.busy_ns(50) == 0);
    waits.start(100);
    waits.start(150);
    CHECK(waits.active() == 2);
    waits.stop(200);
    CHECK(waits.busy_ns(210) == 110); // one goes on
    waits.stop(300);
    CHECK(waits.active() == 0);
    CHECK(waits.max_active() == 2);
    waits.start(1000);
    waits.stop(1010);
    CHECK(waits.busy_ns(5000) == 210);
    waits.stop(6000); // of nobody
    CHECK(waits.active() == 0);
    CHECK(waits.busy_ns(6000) == 210);
}

TEST_CASE("totals are kept of every key that is used later", "[monitor]") {
    (void)WaitCounter("totals.before").start();
    keep_wait_totals();
    keep_wait_totals(); // changes nothing
    const WaitCounter counter("totals.after");
    WaitGuard first = counter.start();
    WaitGuard second = counter.start();
    CHECK(wait_totals().count("totals.before") == 0);
    CHECK(wait_totals().at("totals.after").active == 2);
    first.stop();
    second.stop();
    const WaitTotals totals = wait_totals().at("totals.after");
    CHECK(totals.count == 2);
    CHECK(totals.active == 0);
    CHECK(totals.max_active == 2);
    CHECK(totals.busy_ns > 0);
    CHECK(totals.busy_ns <= totals.sum_ns); // they overlapped
}
