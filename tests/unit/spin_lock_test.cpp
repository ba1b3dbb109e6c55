// The lock of the bookkeeping between threads: who waits for how long.
#include "shim/spin_lock.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <thread>

using namespace flockstat;
using namespace std::chrono_literals;
using shim::SpinLock;
using Clock = std::chrono::steady_clock;

namespace {

/// In a thread of its own: is the lock to be had, and in what time?
struct Attempt {
    bool took;
    Clock::duration time;
};

Attempt attempt(SpinLock &lock) {
    return std::async(std::launch::async,
                      [&] {
                          shim::name_lock_holder();
                          const Clock::time_point start = Clock::now();
                          const bool took = lock.lock();
                          return Attempt{took, Clock::now() - start};
                      })
        .get();
}

} // namespace

TEST_CASE("a lock whose holder loses its processor for a while is waited for") {
    shim::name_lock_holder();
    SpinLock lock;
    REQUIRE(lock.lock());
    std::thread holder([&] {
        std::this_thread::sleep_for(200ms); // what a dozen threads on each processor take
        lock.unlock();
    });
    CHECK(attempt(lock).took);
    holder.join();
}

TEST_CASE("a holder that does not come back is waited for once, not by everybody") {
    shim::name_lock_holder();
    SpinLock lock;
    REQUIRE(lock.lock());
    const Attempt first = attempt(lock);
    const Attempt second = attempt(lock);
    CHECK_FALSE(first.took);
    CHECK_FALSE(second.took);
    CHECK(first.time > 1s);
    CHECK(second.time < first.time / 2);
    lock.unlock();
    CHECK(attempt(lock).took);
}
