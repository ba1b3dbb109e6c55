#include "reporter/monitor/wait_totals.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

namespace flockstat::monitor {
namespace {

std::int64_t nanoseconds(SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// The totals of one key.
class KeyTotals {
public:
    void start(std::int64_t now_ns) {
        const std::lock_guard guard(mutex_);
        concurrency_.start(latest(now_ns));
    }
    void stop(std::int64_t now_ns, std::int64_t started_ns) {
        const std::lock_guard guard(mutex_);
        concurrency_.stop(latest(now_ns));
        ++count_;
        sum_ns_ += now_ns - started_ns;
    }
    [[nodiscard]] WaitTotals totals(std::int64_t now_ns) {
        const std::lock_guard guard(mutex_);
        return {count_, sum_ns_, concurrency_.active(), concurrency_.max_active(),
                concurrency_.busy_ns(latest(now_ns))};
    }

private:
    /// Threads come here in another order than they read the clock in.
    [[nodiscard]] std::int64_t latest(std::int64_t now_ns) {
        return latest_ns_ = std::max(latest_ns_, now_ns);
    }

    std::mutex mutex_;
    Concurrency concurrency_;
    std::int64_t count_ = 0, sum_ns_ = 0, latest_ns_ = 0;
};

class TotalsBackend : public WaitCounterBackend {
public:
    explicit TotalsBackend(std::shared_ptr<KeyTotals> totals) : totals_(std::move(totals)) {}
    std::intptr_t start(SteadyTime now) noexcept override {
        totals_->start(nanoseconds(now));
        return nanoseconds(now);
    }
    void stop(SteadyTime now, std::intptr_t context) noexcept override {
        totals_->stop(nanoseconds(now), context);
    }

private:
    std::shared_ptr<KeyTotals> totals_;
};

struct AllTotals {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<KeyTotals>> keys;
};

AllTotals &all_totals() {
    static auto *const only = new AllTotals; // backends live as long as the program
    return *only;
}

} // namespace

void Concurrency::start(std::int64_t now_ns) {
    busy_since_ns_ = active_ == 0 ? now_ns : busy_since_ns_;
    max_active_ = std::max(max_active_, ++active_);
}

void Concurrency::stop(std::int64_t now_ns) {
    if (active_ > 0 && --active_ == 0) {
        busy_ns_ += now_ns - busy_since_ns_;
    }
}

std::int64_t Concurrency::busy_ns(std::int64_t now_ns) const {
    return busy_ns_ + (active_ > 0 ? now_ns - busy_since_ns_ : 0);
}

void keep_wait_totals() {
    register_wait_counter_backend_factory([](std::string_view key) -> std::unique_ptr<WaitCounterBackend> {
        AllTotals &all = all_totals();
        const std::lock_guard guard(all.mutex);
        std::shared_ptr<KeyTotals> &totals = all.keys[std::string(key)];
        if (totals != nullptr) {
            return nullptr; // somebody asked for totals twice: they are kept once
        }
        totals = std::make_shared<KeyTotals>();
        return std::make_unique<TotalsBackend>(totals);
    });
}

std::map<std::string, WaitTotals> wait_totals() {
    const std::int64_t now_ns = nanoseconds(std::chrono::steady_clock::now());
    AllTotals &all = all_totals();
    const std::lock_guard guard(all.mutex);
    std::map<std::string, WaitTotals> result;
    for (const auto &[key, totals] : all.keys) {
        result.emplace(key, totals->totals(now_ns));
    }
    return result;
}

} // namespace flockstat::monitor
