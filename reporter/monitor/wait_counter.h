/// Wait counters: named spans of time in which somebody waits, many at once.
///
/// A counter stores nothing itself. It forwards each start and stop, with one steady-clock time, to its
/// backends, which are found when a key is first used: those that the registered factories make, and the
/// dynamic backend, a library that exports `c10_monitor_wait_counter_dynamic_backend_init_v1`.
/// libflockstat.so does, so under `flockstat run` the counters of C++ code stand in its report. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace flockstat::monitor {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Where the starts and stops of one key go. Called by any thread, many at once, not by signal handlers.
class WaitCounterBackend {
public:
    virtual ~WaitCounterBackend() = default;

    /// A wait begins. What is returned is handed back to stop().
    virtual std::intptr_t start(SteadyTime now) noexcept = 0;

    /// The wait whose start() returned `context` ends.
    virtual void stop(SteadyTime now, std::intptr_t context) noexcept = 0;
};

/// Makes the backend of a key; null declines the key. Must not use the very key it makes a backend for.
using WaitCounterBackendFactory = std::function<std::unique_ptr<WaitCounterBackend>(std::string_view key)>;

/// Keys that are first used after this ask the factory; backends live as long as the program. Throws
/// std::invalid_argument for an empty function.
void register_wait_counter_backend_factory(WaitCounterBackendFactory factory);

class WaitCounterKey; // what all counters of one key share

/// One wait that goes on. Stops once: when asked to, when another guard is moved into it, or when it is
/// destroyed, in any thread. A guard that was moved from stops nothing.
class WaitGuard {
public:
    WaitGuard() = default;
    WaitGuard(WaitGuard &&other) noexcept;
    WaitGuard &operator=(WaitGuard &&other) noexcept;
    WaitGuard(const WaitGuard &) = delete;
    WaitGuard &operator=(const WaitGuard &) = delete;
    ~WaitGuard();

    void stop() noexcept;

private:
    friend class WaitCounter;

    WaitCounterKey *key_ = nullptr; ///< lives as long as the program; null: nothing to stop
    std::vector<std::intptr_t> contexts_;
};

/// A named counter; cheap to keep, any number of them share a key.
class WaitCounter {
public:
    explicit WaitCounter(std::string_view key);

    /// A wait begins, and lasts until the guard stops it.
    [[nodiscard]] WaitGuard start() const;

private:
    WaitCounterKey *key_;
};

} // namespace flockstat::monitor
