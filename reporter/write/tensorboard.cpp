/// The TensorBoard sink of event_sink.h.
///
/// The file is TFRecords: length (8 bytes), masked CRC-32C of the length, data, masked CRC-32C of the data,
/// all little-endian. The data are protocol buffers of tensorflow/core/util/event.proto and
/// tensorflow/core/framework/summary.proto.
#include "reporter/write/crc32c.h"
#include "reporter/write/event_sink.h"
#include "reporter/write/event_text.h"
#include "reporter/write/printable.h"
#include "reporter/write/sink_file.h"

#include <chrono>
#include <fmt/format.h>
#include <protozero/pbf_builder.hpp>
#include <unistd.h>

namespace flockstat::reporter {
namespace {

enum class EventField : protozero::pbf_tag_type { wall_time = 1, step = 2, file_version = 3, summary = 5 };
enum class SummaryField : protozero::pbf_tag_type { value = 1 };
enum class ValueField : protozero::pbf_tag_type { tag = 1, simple_value = 2 };

std::string little_endian(std::uint64_t number, unsigned bytes) {
    std::string result;
    for (unsigned i = 0; i < bytes; ++i) {
        result.push_back(static_cast<char>(number >> (8U * i)));
    }
    return result;
}

std::string masked_crc(std::string_view bytes) {
    constexpr std::uint32_t mask_delta = 0xA282EAD8U;
    const std::uint32_t crc = crc32c(bytes);
    return little_endian(((crc >> 15U) | (crc << 17U)) + mask_delta, 4);
}

std::string record_of(const std::string &data) {
    const std::string length = little_endian(data.size(), 8);
    return length + masked_crc(length) + data + masked_crc(data);
}

double seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

/// The file's name is what TensorBoard looks for: events.out.tfevents.SECONDS.HOST.PID.
std::filesystem::path event_file(const std::filesystem::path &directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        throw SinkError("cannot make " + directory.string() + ": " + error.message() +
                        "; name another directory");
    }
    std::string host(256, '\0');
    host = gethostname(host.data(), host.size() - 1) == 0 ? host.c_str() : "localhost";
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    return directory / fmt::format("events.out.tfevents.{}.{}.{}", now.count(), host, getpid());
}

class TensorBoard : public EventSink {
public:
    explicit TensorBoard(const std::filesystem::path &directory)
        : file_(event_file(directory), FileKind::of_user) {
        std::string data;
        protozero::pbf_builder<EventField> event(data);
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        event.add_double(EventField::wall_time,
                         seconds(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
        event.add_string(EventField::file_version, "brain.Event:2");
        file_.add(record_of(data));
        file_.flush();
    }

    void handle(const monitor::Event &event) override {
        if (event.name != "flockstat.Stat") {
            return;
        }
        std::string data;
        {
            protozero::pbf_builder<EventField> out(data);
            out.add_double(EventField::wall_time, seconds(timestamp_ns(event)));
            out.add_int64(EventField::step, step_);
            protozero::pbf_builder<SummaryField> summary(out, EventField::summary);
            for (const auto &entry : event.data) {
                if (const auto value = stat_value(entry)) {
                    protozero::pbf_builder<ValueField> scalar(summary, SummaryField::value);
                    scalar.add_string(ValueField::tag, valid_utf8(entry.first) + suffix(event));
                    scalar.add_float(ValueField::simple_value, static_cast<float>(value->number));
                }
            }
        }
        file_.add(record_of(data));
    }
    void flush() override {
        ++step_;
        file_.flush();
    }

private:
    /// TensorBoard puts tags together by what stands before the first slash.
    static std::string suffix(const monitor::Event &event) {
        const std::string lock = valid_utf8(text_of(event, "lock"));
        return lock.empty() ? lock : "/" + std::string(text_of(event, "family")) + " " + lock;
    }

    SinkFile file_;
    std::int64_t step_ = 0;
};

} // namespace

std::unique_ptr<EventSink> make_tensorboard(const std::filesystem::path &directory) {
    return std::make_unique<TensorBoard>(directory);
}

} // namespace flockstat::reporter
