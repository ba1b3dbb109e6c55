/// The JSON Lines sink of event_sink.h.
#include "reporter/write/event_sink.h"
#include "reporter/write/event_text.h"
#include "reporter/write/json_stream.h"
#include "reporter/write/moment.h"
#include "reporter/write/printable.h"
#include "reporter/write/sink_file.h"

namespace flockstat::reporter {
namespace {

Json json_value(const monitor::EventValue &value) {
    if (const auto *text = std::get_if<std::string>(&value); text != nullptr) {
        return valid_utf8(*text);
    }
    if (const auto *number = std::get_if<double>(&value); number != nullptr) {
        return *number; // what is no number comes out as null
    }
    if (const auto *whole = std::get_if<std::int64_t>(&value); whole != nullptr) {
        return *whole;
    }
    return std::get<bool>(value);
}

class JsonLines : public EventSink {
public:
    JsonLines(const std::filesystem::path &file, FileKind kind) : file_(file, kind) {}

    void handle(const monitor::Event &event) override {
        const std::int64_t at_ns = timestamp_ns(event);
        Json data = Json::object();
        for (const auto &[key, value] : event.data) {
            data[valid_utf8(key)] = json_value(value);
        }
        const Json line = {{"name", valid_utf8(event.name)},
                           {"time", rfc3339(at_ns)},
                           {"timestamp_ns", at_ns},
                           {"data", std::move(data)}};
        file_.add(json_text(line, JsonStream::Layout::in_html) + "\n");
    }
    void flush() override { file_.flush(); }

private:
    SinkFile file_;
};

} // namespace

std::unique_ptr<EventSink> make_json_lines(const std::filesystem::path &file) {
    return std::make_unique<JsonLines>(file, FileKind::of_user);
}

std::unique_ptr<EventSink> make_window_log(const std::filesystem::path &file) {
    return std::make_unique<JsonLines>(file, FileKind::of_run);
}

} // namespace flockstat::reporter
