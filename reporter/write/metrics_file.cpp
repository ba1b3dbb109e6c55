/// The sink of event_sink.h that writes metrics.
#include "reporter/write/event_sink.h"
#include "reporter/write/event_text.h"
#include "reporter/write/metrics.h"
#include "reporter/write/sink_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace flockstat::reporter {
namespace {

/// The text of an event's data. What is no lock's is told apart by its own name, which a metric's name holds
/// only in part.
MetricLabels labels_of(const monitor::Event &event, std::string_view counter) {
    MetricLabels labels;
    if (!event.data.contains("lock")) {
        labels.emplace_back("counter", counter);
    }
    for (const auto &[key, value] : event.data) {
        const auto *text = std::get_if<std::string>(&value);
        if (text != nullptr && key != "unit") {
            labels.emplace_back(key, *text);
        }
    }
    return labels;
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
        unlink(aside.c_str()); // of a process that had this number before
        const int descriptor =
            open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        int error = descriptor < 0
                        ? errno
                        : write_all(descriptor, text_of([&](const TextSink &sink) { metrics_.write(sink); }));
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
    void add(const StatValue &value, const MetricLabels &its_labels, bool seconds) {
        const bool counts = value.aggregation == "count";
        const std::string name = "flockstat_" + std::string(value.name);
        const Metrics::Labels labels = metrics_.labels(its_labels);
        if (counts || value.aggregation == "sum") {
            metrics_.summary({name, seconds, fmt::format("{}, since the run began.", value.name)})
                .add(labels, counts ? value.number : 0, counts ? 0 : value.number);
        } else {
            metrics_
                .gauge({fmt::format("{}_{}", name, value.aggregation), seconds,
                        fmt::format("{} of {} in the last window that had samples.", value.aggregation,
                                    value.name)})
                .set(labels, value.number);
        }
    }

    std::filesystem::path file_;
    Metrics metrics_;
};

} // namespace

std::unique_ptr<EventSink> make_open_metrics(const std::filesystem::path &file) {
    return std::make_unique<OpenMetrics>(file);
}

} // namespace flockstat::reporter
