#include "reporter/monitor/event.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace flockstat::monitor {
namespace {

struct Registration {
    Registration(std::uint64_t number, EventHandler function) : id(number), handler(std::move(function)) {}

    const std::uint64_t id;
    const EventHandler handler;
    std::atomic<bool> ended = false;
};

using Registrations = std::vector<std::shared_ptr<Registration>>;

struct Registry {
    std::mutex mutex;
    std::uint64_t last_id = 0;
    Registrations registrations;
};

/// Never destroyed: destructors of static objects may log.
Registry &registry() {
    static auto *const only = new Registry;
    return *only;
}

} // namespace

EventHandlerHandle register_event_handler(EventHandler handler) {
    if (!handler) {
        throw std::invalid_argument("register_event_handler: the handler is empty");
    }
    Registry &all = registry();
    const std::lock_guard guard(all.mutex);
    const std::uint64_t id = ++all.last_id;
    all.registrations.push_back(std::make_shared<Registration>(id, std::move(handler)));
    return {id};
}

bool unregister_event_handler(EventHandlerHandle handle) {
    Registry &all = registry();
    std::shared_ptr<Registration> ended; // its handler is destroyed after the mutex is free: it may call us
    const std::lock_guard guard(all.mutex);
    const auto found =
        std::ranges::find_if(all.registrations, [&](const auto &known) { return known->id == handle.id; });
    if (found == all.registrations.end()) {
        return false;
    }
    ended = std::move(*found);
    all.registrations.erase(found);
    ended->ended = true;
    return true;
}

void log_event(const Event &event) {
    Registrations receivers;
    {
        Registry &all = registry();
        const std::lock_guard guard(all.mutex);
        receivers = all.registrations;
    }
    std::exception_ptr first;
    for (const auto &receiver : receivers) {
        if (receiver->ended) {
            continue;
        }
        try {
            receiver->handler(event);
        } catch (...) {
            first = first ? first : std::current_exception();
        }
    }
    if (first) {
        std::rethrow_exception(first);
    }
}

} // namespace flockstat::monitor
