/// Events, and the handlers that receive them.
///
/// An event is a name, a time and data. log_event hands it to every registered handler. All functions may be
/// called from any thread, and from inside a handler; none from a signal handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>

namespace flockstat::monitor {

using EventValue = std::variant<std::string, double, std::int64_t, bool>;
using EventData = std::map<std::string, EventValue, std::less<>>;

/// Something that happened. Two are equal where name, timestamp and data are; a value of another type is
/// another value.
struct Event {
    std::string name; ///< in the style of a qualified class name: "flockstat.Stat"
    std::chrono::system_clock::time_point timestamp;
    EventData data;

    bool operator==(const Event &other) const = default;
};

using EventHandler = std::function<void(const Event &)>;

/// Names one registration; never used twice. The default one names none.
struct EventHandlerHandle {
    std::uint64_t id = 0;

    bool operator==(const EventHandlerHandle &other) const = default;
};

/// From the next log_event on, `handler` receives every event, in the thread that logs it. It may log,
/// register and unregister, itself too; it is called by several threads at once where several log. Throws
/// std::invalid_argument for an empty function.
[[nodiscard]] EventHandlerHandle register_event_handler(EventHandler handler);

/// Ends a registration: no call of the handler begins after this returns, one that another thread is in may
/// still end. False where there is no such registration (any more); that is no error.
bool unregister_event_handler(EventHandlerHandle handle);

/// Calls every handler in the order of registration, in this thread. One that throws keeps none of the others
/// from the event; the first exception is thrown on when all have had it. Handlers that are registered
/// meanwhile receive the next event. Without handlers it does nothing.
void log_event(const Event &event);

} // namespace flockstat::monitor
