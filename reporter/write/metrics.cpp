#include "reporter/write/metrics.h"

#include "reporter/write/printable.h"

#include <algorithm>
#include <fmt/compile.h>

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
        if (c == '\\' || c == '"' || c == '\n') {
            result += '\\';
        }
        result += c == '\n' ? 'n' : c;
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
        fmt::format_to(std::back_inserter(text), FMT_COMPILE("{}{}=\"{}\""), text.empty() ? "" : ",",
                       safe_name(name), escaped(valid_utf8(value)));
    }
    return text;
}

} // namespace

Metrics::Labels Metrics::labels(const MetricLabels &labels) {
    return &*labels_.insert(labels_.end(), label_text(labels)); // quick for those that come in their order
}

Metrics::Metric &Metrics::metric(const MetricName &name, bool is_summary) {
    std::string text = safe_name(name.name);
    const std::string unit = name.seconds ? "_seconds" : "";
    auto found = metrics_.find(text + unit);
    while (found != metrics_.end() && found->second.is_summary_ != is_summary) {
        text += '_'; // a program's counter may be named like the gauge of another
        found = metrics_.find(text + unit);
    }
    Metric &metric = metrics_[text + unit];
    metric.is_summary_ = is_summary;
    metric.seconds_ = name.seconds;
    metric.help_ = help_text(name.help);
    return metric;
}

/// Quick for labels that come in their order.
Metrics::Metric::Series &Metrics::Metric::series(Labels labels) {
    if (!series_.empty() && series_.rbegin()->first == labels) {
        return series_.rbegin()->second;
    }
    return series_.try_emplace(series_.end(), labels)->second;
}

void Metrics::Metric::add(Labels labels, double count, double sum) {
    Series &summary = series(labels);
    summary.count += count;
    summary.sum += sum;
}

void Metrics::Metric::set_quantile(Labels labels, double quantile, double value) {
    auto &quantiles = series(labels).quantiles;
    const auto place =
        std::ranges::lower_bound(quantiles, quantile, {}, [](const auto &one) { return one.first; });
    if (place != quantiles.end() && place->first == quantile) {
        place->second = value;
    } else {
        quantiles.insert(place, {quantile, value});
    }
}

void Metrics::Metric::append_lines(const std::string &name, const std::string &labels, const Series &series,
                                   fmt::memory_buffer *text) const {
    const double unit = seconds_ ? 1e9 : 1;
    const auto out = fmt::appender(*text);
    const std::string_view open = labels.empty() ? "" : "{";
    const std::string_view close = labels.empty() ? "" : "}";
    if (!is_summary_) {
        fmt::format_to(out, FMT_COMPILE("{}{}{}{} {}\n"), name, open, labels, close, series.gauge / unit);
        return;
    }
    for (const auto &[quantile, value] : series.quantiles) {
        fmt::format_to(out, FMT_COMPILE("{}{{{}{}quantile=\"{}\"}} {}\n"), name, labels,
                       labels.empty() ? "" : ",", quantile, value / unit);
    }
    fmt::format_to(out, FMT_COMPILE("{}_count{}{}{} {}\n"), name, open, labels, close, series.count);
    fmt::format_to(out, FMT_COMPILE("{}_sum{}{}{} {}\n"), name, open, labels, close, series.sum / unit);
}

void Metrics::write(const TextSink &sink) const {
    constexpr std::size_t piece_bytes = std::size_t{64} << 10U;
    fmt::memory_buffer text;
    const auto pass_on = [&] {
        sink({text.data(), text.size()});
        text.clear();
    };
    for (const auto &[name, metric] : metrics_) {
        if (metric.series_.empty()) {
            continue;
        }
        fmt::format_to(fmt::appender(text), "# TYPE {} {}\n", name, metric.is_summary_ ? "summary" : "gauge");
        if (metric.seconds_) {
            fmt::format_to(fmt::appender(text), "# UNIT {} seconds\n", name);
        }
        fmt::format_to(fmt::appender(text), "# HELP {} {}\n", name, metric.help_);
        for (const auto &[labels, series] : metric.series_) {
            metric.append_lines(name, *labels, series, &text);
            if (text.size() > piece_bytes) {
                pass_on();
            }
        }
    }
    pass_on();
    sink("# EOF\n");
}

} // namespace flockstat::reporter
