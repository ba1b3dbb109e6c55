#include "reporter/write/metrics.h"

#include "reporter/write/printable.h"

#include <algorithm>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

/// Letters, digits and underscores.
std::string safe_name(std::string_view text) {
    std::string name;
    for (const char c : text) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name.push_back(fits ? c : '_');
    }
    return name;
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        result += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    }
    return result;
}

/// Text of a HELP line. The two formats escape quotes in it in different ways, so there are none.
std::string help_text(std::string_view text) {
    std::string result = valid_utf8(text);
    std::ranges::replace(result, '"', '\'');
    return escaped(result);
}

/// family="flock",lock="/a"
std::string label_text(const MetricLabels &labels) {
    std::string text;
    for (const auto &[name, value] : labels) {
        text +=
            fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", safe_name(name), escaped(valid_utf8(value)));
    }
    return text;
}

std::string braced(const std::string &labels) { return labels.empty() ? "" : "{" + labels + "}"; }

} // namespace

Metrics::Series &Metrics::series(const MetricName &name, const MetricLabels &labels, bool is_summary) {
    std::string text = safe_name(name.name);
    const std::string unit = name.seconds ? "_seconds" : "";
    auto found = metrics_.find(text + unit);
    while (found != metrics_.end() && found->second.is_summary != is_summary) {
        text += '_'; // a program's counter may be named like the gauge of another
        found = metrics_.find(text + unit);
    }
    Metric &metric = metrics_[text + unit];
    metric.is_summary = is_summary;
    metric.seconds = name.seconds;
    metric.help = help_text(name.help);
    return metric.series[label_text(labels)];
}

void Metrics::set(const MetricName &name, const MetricLabels &labels, double value) {
    series(name, labels, false).gauge = value;
}

void Metrics::add(const MetricName &name, const MetricLabels &labels, double count, double sum) {
    Series &summary = series(name, labels, true);
    summary.count += count;
    summary.sum += sum;
}

void Metrics::set_quantile(const MetricName &name, const MetricLabels &labels, double quantile,
                           double value) {
    series(name, labels, true).quantiles[quantile] = value;
}

std::string Metrics::lines(const std::string &name, const Metric &metric, const std::string &labels,
                           const Series &series) {
    const double unit = metric.seconds ? 1e9 : 1;
    if (!metric.is_summary) {
        return fmt::format("{}{} {}\n", name, braced(labels), series.gauge / unit);
    }
    std::string text;
    for (const auto &[quantile, value] : series.quantiles) {
        text += fmt::format("{}{{{}{}quantile=\"{}\"}} {}\n", name, labels, labels.empty() ? "" : ",",
                            quantile, value / unit);
    }
    return text + fmt::format("{0}_count{1} {2}\n{0}_sum{1} {3}\n", name, braced(labels), series.count,
                              series.sum / unit);
}

std::string Metrics::text() const {
    std::string text;
    for (const auto &[name, metric] : metrics_) {
        text += fmt::format("# TYPE {} {}\n", name, metric.is_summary ? "summary" : "gauge");
        text += metric.seconds ? fmt::format("# UNIT {} seconds\n", name) : "";
        text += fmt::format("# HELP {} {}\n", name, metric.help);
        for (const auto &[labels, series] : metric.series) {
            text += lines(name, metric, labels, series);
        }
    }
    return text + "# EOF\n";
}

} // namespace flockstat::reporter
