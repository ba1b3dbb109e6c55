/// Metrics as text that is OpenMetrics and Prometheus text format at once.
/// https://prometheus.io/docs/specs/om/open_metrics_spec/
///
/// Summaries and gauges are written the same way in both, counters are not; so there are none.
#pragma once

#include "reporter/write/text_sink.h"

#include <fmt/format.h>
#include <map>
#include <set>
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
    /// Labels as they are written, which several metrics share.
    using Labels = const std::string *;

    class Metric {
    public:
        /// The value of a gauge.
        void set(Labels labels, double value) { series(labels).gauge = value; }

        /// Adds so many samples to a summary.
        void add(Labels labels, double count, double sum);

        /// A quantile (0 to 1) of a summary.
        void set_quantile(Labels labels, double quantile, double value);

    private:
        friend class Metrics;

        /// One set of labels; times as they came, in nanoseconds, so that sums of them are exact.
        struct Series {
            double count = 0;
            double sum = 0;
            double gauge = 0;
            std::vector<std::pair<double, double>> quantiles; ///< in order
        };
        struct ByText {
            bool operator()(Labels a, Labels b) const { return *a < *b; }
        };
        [[nodiscard]] Series &series(Labels labels);
        void append_lines(const std::string &name, const std::string &labels, const Series &series,
                          fmt::memory_buffer *text) const;

        bool is_summary_ = false;
        bool seconds_ = false;
        std::string help_;
        std::map<Labels, Series, ByText> series_;
    };

    /// The metric of that name; valid as long as this.
    [[nodiscard]] Metric &gauge(const MetricName &name) { return metric(name, false); }
    [[nodiscard]] Metric &summary(const MetricName &name) { return metric(name, true); }

    /// Valid as long as this.
    [[nodiscard]] Labels labels(const MetricLabels &labels);

    /// All of them, by name; ends with "# EOF" and a line feed.
    void write(const TextSink &sink) const;

private:
    [[nodiscard]] Metric &metric(const MetricName &name, bool is_summary);

    std::map<std::string, Metric> metrics_;
    std::set<std::string> labels_;
};

} // namespace flockstat::reporter
