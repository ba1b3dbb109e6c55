#include "reporter/read/window_log.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json &data, const char *key) {
    const auto found = data.find(key);
    return found != data.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const Json &data, const char *key) {
    const auto found = data.find(key);
    return found != data.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// The counter's name is what stands before the dot of its aggregations.
std::optional<WindowCounter> read_counter(const Json &data) {
    constexpr std::string_view count_key = ".count";
    for (const auto &[key, value] : data.items()) {
        if (!key.ends_with(count_key)) {
            continue;
        }
        WindowCounter counter;
        counter.counter = key.substr(0, key.size() - count_key.size());
        counter.path = text_of(data, "lock");
        counter.family = text_of(data, "family");
        counter.count = number_of(data, key.c_str());
        counter.sum_ns = number_of(data, (counter.counter + ".sum").c_str());
        counter.max_ns = number_of(data, (counter.counter + ".max").c_str());
        return counter;
    }
    return std::nullopt;
}

} // namespace

std::filesystem::path window_file(const std::filesystem::path &run_file) {
    std::filesystem::path result = run_file;
    return result.replace_extension(".windows.jsonl");
}

std::vector<Window> read_windows(const std::filesystem::path &file) {
    std::ifstream in(file);
    std::vector<Window> windows;
    Window open;
    for (std::string line; std::getline(in, line);) {
        const Json event = Json::parse(line, nullptr, false);
        const auto data = event.is_object() ? event.find("data") : event.end();
        if (!event.is_object() || data == event.end() || !data->is_object()) {
            continue;
        }
        const std::string name = text_of(event, "name");
        if (auto counter = name == "flockstat.Stat" ? read_counter(*data) : std::nullopt) {
            open.counters.push_back(*std::move(counter));
        } else if (name == "flockstat.Window") {
            open.start_at_ns = static_cast<std::int64_t>(number_of(*data, "start_ns") & INT64_MAX);
            open.duration_ns = number_of(*data, "duration_ns");
            open.processes = number_of(*data, "processes");
            open.waiting = number_of(*data, "waiting");
            windows.push_back(std::exchange(open, {}));
        }
    }
    return windows;
}

} // namespace flockstat::reporter
