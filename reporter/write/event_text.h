/// Parts of an event that several sinks need.
#pragma once

#include "reporter/monitor/event.h"

#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

/// When it was logged, in nanoseconds since 1970.
[[nodiscard]] std::int64_t timestamp_ns(const monitor::Event &event);

/// A value of a Stat's event: its key is NAME.AGGREGATION.
struct StatValue {
    std::string_view name; ///< of the Stat
    std::string_view aggregation;
    double number = 0;
};

/// The entry as a Stat's value; nothing where it is no number, or its key ends with no aggregation's word.
[[nodiscard]] std::optional<StatValue> stat_value(const monitor::EventData::value_type &entry);

/// The text under a key of the data; empty where there is none.
[[nodiscard]] std::string_view text_of(const monitor::Event &event, std::string_view key);

/// The data of Stats whose samples are nanoseconds says so: "unit" is "ns".
[[nodiscard]] bool counts_ns(const monitor::Event &event);

} // namespace flockstat::reporter
