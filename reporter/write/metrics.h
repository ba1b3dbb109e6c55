/// Metrics as text that is OpenMetrics and Prometheus text format at once.
/// https://prometheus.io/docs/specs/om/open_metrics_spec/
///
/// Summaries and gauges are written the same way in both, counters are not; so there are none.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flockstat::reporter {

/// Names, which may hold anything, and values, which are bytes. A sample is known by them, so their order
/// counts.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// What a metric is called and says. Several may have one name: those that are of different kinds are told
/// apart in the text.
struct MetricName {
    std::string name;     ///< in full; what is no letter, digit or underscore becomes an underscore
    bool seconds = false; ///< values are given in nanoseconds, and written in seconds
    std::string help;
};

class Metrics {
public:
    /// The value of a gauge.
    void set(const MetricName &name, const MetricLabels &labels, double value);

    /// Adds so many samples to a summary.
    void add(const MetricName &name, const MetricLabels &labels, double count, double sum);

    /// A quantile (0 to 1) of a summary.
    void set_quantile(const MetricName &name, const MetricLabels &labels, double quantile, double value);

    /// All of them, by name; ends with "# EOF" and a line feed.
    [[nodiscard]] std::string text() const;

private:
    /// One set of labels of a metric; times as they came, in nanoseconds, so that sums of them are exact.
    struct Series {
        double count = 0;
        double sum = 0;
        double gauge = 0;
        std::map<double, double> quantiles;
    };
    struct Metric {
        bool is_summary = false;
        bool seconds = false;
        std::string help;
        std::map<std::string, Series> series; ///< by labels, as they are written
    };
    Series &series(const MetricName &name, const MetricLabels &labels, bool is_summary);
    [[nodiscard]] static std::string lines(const std::string &name, const Metric &metric,
                                           const std::string &labels, const Series &series);

    std::map<std::string, Metric> metrics_;
};

} // namespace flockstat::reporter
