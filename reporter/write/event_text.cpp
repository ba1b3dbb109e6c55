#include "reporter/write/event_text.h"

#include "reporter/monitor/stat.h"

#include <array>
#include <chrono>

namespace flockstat::reporter {

using monitor::Aggregation;

std::int64_t timestamp_ns(const monitor::Event &event) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(event.timestamp.time_since_epoch()).count();
}

std::optional<StatValue> stat_value(const monitor::EventData::value_type &entry) {
    const auto &[key, value] = entry;
    const std::size_t dot = key.rfind('.');
    StatValue result;
    if (const auto *whole = std::get_if<std::int64_t>(&value); whole != nullptr) {
        result.number = static_cast<double>(*whole);
    } else if (const auto *number = std::get_if<double>(&value); number != nullptr) {
        result.number = *number;
    } else {
        return std::nullopt;
    }
    if (dot == std::string::npos) {
        return std::nullopt;
    }
    result.name = std::string_view(key).substr(0, dot);
    result.aggregation = std::string_view(key).substr(dot + 1);
    for (const auto known : {Aggregation::value, Aggregation::mean, Aggregation::count, Aggregation::sum,
                             Aggregation::max, Aggregation::min}) {
        if (monitor::aggregation_name(known) == result.aggregation) {
            return result;
        }
    }
    return std::nullopt;
}

std::string_view text_of(const monitor::Event &event, std::string_view key) {
    const auto found = event.data.find(key);
    const auto *text = found == event.data.end() ? nullptr : std::get_if<std::string>(&found->second);
    return text == nullptr ? std::string_view() : *text;
}

bool counts_ns(const monitor::Event &event) { return text_of(event, "unit") == "ns"; }

} // namespace flockstat::reporter
