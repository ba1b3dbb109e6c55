/// The dynamic backend of PyTorch's wait counters, version 1: a symbol that PyTorch looks for with dlsym when
/// a counter's key is first used (c10/util/WaitCounterDynamicBackend.h). All of PyTorch's wait counters come
/// here, and those of anybody else who follows the protocol, flockstat::monitor for one.
#include "shim/export.h"
#include "shim/wait_counters.h"

#include <cstddef>

using namespace flockstat::shim;

namespace {

/// What init fills in: functions of C that throw nothing.
struct Backend {
    void *self;
    std::intptr_t (*start)(void *self, std::int64_t now_us) noexcept;
    void (*stop)(void *self, std::int64_t now_us, std::intptr_t context) noexcept;
    void (*destroy)(void *self) noexcept;
};

std::intptr_t start(void *self, std::int64_t now_us) noexcept {
    return start_wait(*static_cast<KeyCounter *>(self), now_us);
}

void stop(void *self, std::int64_t now_us, std::intptr_t context) noexcept {
    stop_wait(*static_cast<KeyCounter *>(self), now_us, context);
}

/// Keys stay: a guard that outlives its counter may still stop.
void destroy(void *) noexcept {}

} // namespace

/// `key` is not NUL-terminated. Declines it (self stays null) where nothing is recorded.
FLOCKSTAT_EXPORT void c10_monitor_wait_counter_dynamic_backend_init_v1(Backend *backend, const char *key,
                                                                       std::size_t key_bytes) {
    if (KeyCounter *counter = find_key_counter({key, key_bytes}); counter != nullptr) {
        *backend = {counter, start, stop, destroy};
    }
}
