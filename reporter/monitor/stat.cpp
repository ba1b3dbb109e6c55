#include "reporter/monitor/stat.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace flockstat::monitor {
namespace {

constexpr std::array<std::string_view, 6> names = {"value", "mean", "count", "sum", "max", "min"};

template<typename Number>
Number sum_of(Number a, Number b) {
    if constexpr (std::is_integral_v<Number>) {
        Number sum = 0;
        return !__builtin_add_overflow(a, b, &sum) ? sum
               : a < 0                             ? std::numeric_limits<Number>::min()
                                                   : std::numeric_limits<Number>::max();
    } else {
        return a + b;
    }
}

} // namespace

std::string_view aggregation_name(Aggregation aggregation) {
    return names[static_cast<std::size_t>(aggregation)];
}

template<typename Number>
void SampleSum<Number>::add(Number sample) {
    add_all({1, sample, sample, sample, sample});
}

template<typename Number>
void SampleSum<Number>::add_all(const SampleSum &other) {
    if (other.count <= 0) {
        return;
    }
    min = count == 0 ? other.min : std::min(min, other.min);
    max = count == 0 ? other.max : std::max(max, other.max);
    value = other.value;
    count = sum_of(count, other.count);
    sum = sum_of(sum, other.sum);
}

template<typename Number>
Number SampleSum<Number>::aggregated(Aggregation aggregation) const {
    switch (aggregation) {
    case Aggregation::value: return value;
    case Aggregation::mean: return count == 0 ? Number{0} : sum / static_cast<Number>(count);
    case Aggregation::count: return static_cast<Number>(count);
    case Aggregation::sum: return sum;
    case Aggregation::max: return max;
    case Aggregation::min: break;
    }
    return min;
}

template<typename Number>
struct Stat<Number>::State {
    std::string name;
    std::vector<Aggregation> aggregations;
    std::chrono::milliseconds window_size;
    StatOptions options;

    mutable std::mutex mutex;
    std::int64_t window = 0;              ///< that `open` is of
    std::optional<std::int64_t> finished; ///< a window that takes no more samples
    SampleSum<Number> open;
    SampleSum<Number> last; ///< of the last window that was closed

    [[nodiscard]] std::int64_t window_now() const {
        const auto now =
            std::chrono::duration_cast<std::chrono::milliseconds>(options.clock().time_since_epoch());
        return now / window_size + 1;
    }

    /// With the mutex held. The event is logged by the caller, when it has let go of the mutex.
    [[nodiscard]] std::optional<Event> close() {
        if (open.count == 0) {
            return std::nullopt;
        }
        last = std::exchange(open, {});
        finished = window;
        Event event{"flockstat.Stat", std::chrono::system_clock::now(), options.labels};
        for (const Aggregation aggregation : aggregations) {
            event.data[name + "." + std::string(aggregation_name(aggregation))] =
                last.aggregated(aggregation);
        }
        return event;
    }
};

namespace {

/// The second is logged also where a handler throws at the first.
void log_each(const std::optional<Event> &first, const std::optional<Event> &second) {
    std::exception_ptr thrown;
    for (const std::optional<Event> *event : {&first, &second}) {
        try {
            if (*event) {
                log_event(**event);
            }
        } catch (...) {
            thrown = thrown ? thrown : std::current_exception();
        }
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

} // namespace

template<typename Number>
Stat<Number>::Stat(std::string name, std::vector<Aggregation> aggregations,
                   std::chrono::milliseconds window_size, StatOptions options)
    : state_(std::make_unique<State>()) {
    if (window_size.count() <= 0) {
        throw std::invalid_argument("Stat " + name + ": window_size must be positive");
    }
    if (options.max_samples != unlimited_samples && options.max_samples <= 0) {
        throw std::invalid_argument("Stat " + name + ": max_samples must be positive or unlimited_samples");
    }
    state_->name = std::move(name);
    state_->aggregations = std::move(aggregations);
    state_->window_size = window_size;
    state_->options = std::move(options);
}

template<typename Number>
Stat<Number>::Stat(std::string name, std::vector<Aggregation> aggregations,
                   std::chrono::milliseconds window_size, std::int64_t max_samples)
    : Stat(std::move(name), std::move(aggregations), window_size, StatOptions{.max_samples = max_samples}) {}

template<typename Number>
Stat<Number>::~Stat() {
    try {
        close();
    } catch (...) { // a handler's: there is nobody left to tell
    }
}

template<typename Number>
void Stat<Number>::add(Number sample) {
    add_all({1, sample, sample, sample, sample});
}

template<typename Number>
void Stat<Number>::add_all(const SampleSum<Number> &samples) {
    std::optional<Event> before;
    std::optional<Event> full;
    {
        State &state = *state_;
        const std::lock_guard guard(state.mutex);
        const std::int64_t window = state.window_now();
        if (window != state.window) {
            before = state.close();
            state.window = window;
        }
        if (state.finished != window) {
            state.open.add_all(samples);
            const std::int64_t limit = state.options.max_samples;
            full = limit != unlimited_samples && state.open.count >= limit ? state.close() : std::nullopt;
        }
    }
    log_each(before, full);
}

template<typename Number>
void Stat<Number>::close() {
    std::optional<Event> event;
    {
        const std::lock_guard guard(state_->mutex);
        event = state_->close();
    }
    log_each(event, std::nullopt);
}

template<typename Number>
const std::string &Stat<Number>::name() const {
    return state_->name;
}

template<typename Number>
std::int64_t Stat<Number>::count() const {
    const std::lock_guard guard(state_->mutex);
    return state_->open.count;
}

template<typename Number>
std::map<Aggregation, Number> Stat<Number>::get() const {
    const std::lock_guard guard(state_->mutex);
    std::map<Aggregation, Number> result;
    for (const Aggregation aggregation : state_->aggregations) {
        result[aggregation] = state_->last.aggregated(aggregation);
    }
    return result;
}

template struct SampleSum<double>;
template struct SampleSum<std::int64_t>;
template class Stat<double>;
template class Stat<std::int64_t>;

} // namespace flockstat::monitor
