/// Samples of one number, summed up over windows of time.
#pragma once

#include "reporter/monitor/event.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::monitor {

/// What a Stat tells of a window's samples. MEAN, MIN and MAX of no samples are 0.
enum class Aggregation { value, mean, count, sum, max, min };

/// The word that stands for it in events: "value", "mean", "count", "sum", "max", "min".
[[nodiscard]] std::string_view aggregation_name(Aggregation aggregation);

/// Samples that were summed up elsewhere. Sums of integers stop at the ends of their range.
template<typename Number>
struct SampleSum {
    std::int64_t count = 0;
    Number sum = 0;
    Number min = 0;
    Number max = 0;
    Number value = 0; ///< the last one

    void add(Number sample);
    void add_all(const SampleSum &other);
    /// MEAN of integers truncates.
    [[nodiscard]] Number aggregated(Aggregation aggregation) const;
};

inline constexpr std::int64_t unlimited_samples = -1;

struct StatOptions {
    std::int64_t max_samples = unlimited_samples; ///< a window that has so many is closed at once
    EventData labels = {}; ///< goes into the data of every event, beside the aggregations
    std::function<std::chrono::steady_clock::time_point()> clock = std::chrono::steady_clock::now;
};

/// Sums up samples over windows. A window is window_size long, and aligned to the steady clock, not to its
/// first sample. Where it closes with samples in it, it logs an Event (event.h): name "flockstat.Stat", the
/// time of logging, and data "NAME.AGGREGATION" for each aggregation asked for, numbers of the Stat's type.
///
/// A window closes when a sample comes in a later one, when it has max_samples (further samples of the same
/// window are dropped), when close() asks for it, and when the Stat is destroyed.
///
/// Any thread; handlers of its events may use the Stat itself. What a handler throws comes out of the
/// function that closed the window, which has done its work by then; the destructor ends it.
template<typename Number>
class Stat {
public:
    /// Throws std::invalid_argument where window_size is not positive, or max_samples is neither positive nor
    /// unlimited_samples.
    Stat(std::string name, std::vector<Aggregation> aggregations, std::chrono::milliseconds window_size,
         StatOptions options = {});
    Stat(std::string name, std::vector<Aggregation> aggregations, std::chrono::milliseconds window_size,
         std::int64_t max_samples);
    Stat(const Stat &) = delete;
    Stat &operator=(const Stat &) = delete;
    ~Stat();

    /// Adds one sample to the window of now.
    void add(Number sample);

    /// Adds samples that are known by their sum, all to the window of now.
    void add_all(const SampleSum<Number> &samples);

    /// Closes the window that is open, for somebody who watches the time: a Stat by itself notices that a
    /// window is over at the next sample.
    void close();

    [[nodiscard]] const std::string &name() const;

    /// Samples in the open window.
    [[nodiscard]] std::int64_t count() const;

    /// The aggregations asked for, of the last window that was closed; zeros before the first.
    [[nodiscard]] std::map<Aggregation, Number> get() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

extern template struct SampleSum<double>;
extern template struct SampleSum<std::int64_t>;
extern template class Stat<double>;
extern template class Stat<std::int64_t>;

} // namespace flockstat::monitor
