/// The OpenMetrics sink of event_sink.h. https://prometheus.io/docs/specs/om/open_metrics_spec/
///
/// The collector reads Prometheus's older text format. Summaries and gauges are written the same way in both,
/// counters are not; so there are none.
#include "reporter/write/event_sink.h"
#include "reporter/write/event_text.h"
#include "reporter/write/printable.h"
#include "reporter/write/sink_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace flockstat::reporter {
namespace {

/// One set of labels of a metric; times as they came, in nanoseconds, so that sums of them are exact.
struct Series {
    double count = 0;
    double sum = 0;
    double gauge = 0;
};

struct Metric {
    bool is_summary = false;
    bool seconds = false;
    std::string help;
    std::map<std::string, Series> series; ///< by labels, as they are written
};

/// Letters, digits and underscores.
std::string metric_name(std::string_view text) {
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

/// {family="flock",lock="/a"}: the text of an event's data. What is no lock's is told apart by its own name,
/// which a metric's name holds only in part.
std::string labels_of(const monitor::Event &event, std::string_view counter) {
    std::string labels;
    if (!event.data.contains("lock")) {
        labels = fmt::format("counter=\"{}\"", escaped(valid_utf8(counter)));
    }
    for (const auto &[key, value] : event.data) {
        const auto *text = std::get_if<std::string>(&value);
        if (text != nullptr && key != "unit") {
            labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", metric_name(key),
                                  escaped(valid_utf8(*text)));
        }
    }
    return "{" + labels + "}";
}

/// The file that is replaced in the name of `file`: where a symbolic link leads. A device or a pipe is none.
std::filesystem::path replaceable(const std::filesystem::path &file) {
    std::error_code error;
    std::filesystem::path target = std::filesystem::canonical(file, error);
    if (error) {
        return file; // there is none yet, or writing it tells why not
    }
    if (!std::filesystem::is_regular_file(target, error)) {
        throw SinkError("cannot write metrics to " + file.string() +
                        ": it would be replaced, and is no regular file; name another file");
    }
    return target;
}

class OpenMetrics : public EventSink {
public:
    explicit OpenMetrics(const std::filesystem::path &file) : file_(replaceable(file)) { flush(); }

    void handle(const monitor::Event &event) override {
        if (event.name != "flockstat.Stat") {
            return;
        }
        const bool seconds = counts_ns(event);
        for (const auto &entry : event.data) {
            if (const auto value = stat_value(entry)) {
                add(*value, labels_of(event, value->name), seconds);
            }
        }
    }
    void flush() override {
        const std::filesystem::path aside = file_.string() + fmt::format(".{}.tmp", getpid());
        const int descriptor = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        int error = descriptor < 0 ? errno : write_all(descriptor, exposition());
        if (descriptor >= 0 && close(descriptor) != 0 && error == 0) {
            error = errno;
        }
        if (error == 0 && rename(aside.c_str(), file_.c_str()) != 0) {
            error = errno;
        }
        if (error != 0) {
            unlink(aside.c_str());
            throw SinkError("cannot write metrics to " + file_.string() + ": " + std::strerror(error) +
                            "; name a file in a directory that can be written to");
        }
    }

private:
    void add(const StatValue &value, const std::string &labels, bool seconds) {
        const bool counts = value.aggregation == "count";
        const bool summary = counts || value.aggregation == "sum";
        std::string name = "flockstat_" + metric_name(value.name);
        name += summary ? "" : "_" + std::string(value.aggregation);
        const std::string unit = seconds ? "_seconds" : "";
        auto found = metrics_.find(name + unit);
        while (found != metrics_.end() && found->second.is_summary != summary) {
            name += '_'; // a program's counter may be named like the gauge of another
            found = metrics_.find(name + unit);
        }
        Metric &metric = metrics_[name + unit];
        metric.is_summary = summary;
        metric.seconds = seconds;
        metric.help = summary ? fmt::format("{}, since the run began.", help_text(value.name))
                              : fmt::format("{} of {} in the last window that had samples.",
                                            value.aggregation, help_text(value.name));
        Series &series = metric.series[labels];
        if (summary) {
            (counts ? series.count : series.sum) += value.number;
        } else {
            series.gauge = value.number;
        }
    }

    [[nodiscard]] std::string exposition() const {
        std::string text;
        for (const auto &[name, metric] : metrics_) {
            text += fmt::format("# TYPE {} {}\n", name, metric.is_summary ? "summary" : "gauge");
            text += metric.seconds ? fmt::format("# UNIT {} seconds\n", name) : "";
            text += fmt::format("# HELP {} {}\n", name, metric.help);
            const double unit = metric.seconds ? 1e9 : 1;
            for (const auto &[labels, series] : metric.series) {
                text += metric.is_summary ? fmt::format("{0}_count{1} {2}\n{0}_sum{1} {3}\n", name, labels,
                                                        series.count, series.sum / unit)
                                          : fmt::format("{}{} {}\n", name, labels, series.gauge / unit);
            }
        }
        return text + "# EOF\n";
    }

    std::filesystem::path file_;
    std::map<std::string, Metric> metrics_;
};

} // namespace

std::unique_ptr<EventSink> make_open_metrics(const std::filesystem::path &file) {
    return std::make_unique<OpenMetrics>(file);
}

} // namespace flockstat::reporter
