#include "reporter/monitor/wait_counter.h"

#include <dlfcn.h>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace flockstat::monitor {
namespace {

/// The protocol of the dynamic backend, version 1. Times are microseconds of the steady clock.
struct DynamicBackend {
    void *self = nullptr;
    std::intptr_t (*start)(void *self, std::int64_t now_us) noexcept = nullptr;
    void (*stop)(void *self, std::int64_t now_us, std::intptr_t context) noexcept = nullptr;
    void (*destroy)(void *self) noexcept = nullptr;
};
using DynamicInit = void (*)(DynamicBackend *backend, const char *key, std::size_t key_bytes);

std::int64_t microseconds(SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

class DynamicAdapter : public WaitCounterBackend {
public:
    explicit DynamicAdapter(const DynamicBackend &backend) : backend_(backend) {}
    DynamicAdapter(const DynamicAdapter &) = delete;
    DynamicAdapter &operator=(const DynamicAdapter &) = delete;
    ~DynamicAdapter() override {
        if (backend_.destroy != nullptr) {
            backend_.destroy(backend_.self);
        }
    }
    std::intptr_t start(SteadyTime now) noexcept override {
        return backend_.start(backend_.self, microseconds(now));
    }
    void stop(SteadyTime now, std::intptr_t context) noexcept override {
        backend_.stop(backend_.self, microseconds(now), context);
    }

private:
    DynamicBackend backend_;
};

std::unique_ptr<WaitCounterBackend> make_dynamic_backend(std::string_view key) {
    const auto init = reinterpret_cast<DynamicInit>(
        dlsym(RTLD_DEFAULT, "c10_monitor_wait_counter_dynamic_backend_init_v1"));
    DynamicBackend backend;
    if (init != nullptr) {
        init(&backend, key.data(), key.size());
    }
    if (backend.self == nullptr || backend.start == nullptr || backend.stop == nullptr) {
        return nullptr;
    }
    return std::make_unique<DynamicAdapter>(backend);
}

} // namespace

class WaitCounterKey {
public:
    std::once_flag looked_for_backends;
    std::vector<std::unique_ptr<WaitCounterBackend>> backends;
};

namespace {

struct Keys {
    std::mutex mutex;
    std::vector<WaitCounterBackendFactory> factories;
    std::map<std::string, std::unique_ptr<WaitCounterKey>, std::less<>> keys;
};

/// Never destroyed: guards may stop while static objects are.
Keys &all_keys() {
    static auto *const only = new Keys;
    return *only;
}

void find_backends(std::string_view name, WaitCounterKey &key) {
    std::vector<WaitCounterBackendFactory> factories;
    {
        Keys &all = all_keys();
        const std::lock_guard guard(all.mutex);
        factories = all.factories;
    }
    std::vector<std::unique_ptr<WaitCounterBackend>> found;
    for (const WaitCounterBackendFactory &factory : factories) {
        found.push_back(factory(name));
    }
    found.push_back(make_dynamic_backend(name));
    std::erase(found, nullptr);
    key.backends = std::move(found);
}

WaitCounterKey *find_key(std::string_view name) {
    WaitCounterKey *key = nullptr;
    {
        Keys &all = all_keys();
        const std::lock_guard guard(all.mutex);
        auto found = all.keys.find(name);
        if (found == all.keys.end()) {
            found = all.keys.emplace(name, std::make_unique<WaitCounterKey>()).first;
        }
        key = found->second.get();
    }
    std::call_once(key->looked_for_backends, find_backends, name, std::ref(*key));
    return key;
}

} // namespace

void register_wait_counter_backend_factory(WaitCounterBackendFactory factory) {
    if (!factory) {
        throw std::invalid_argument("register_wait_counter_backend_factory: the factory is empty");
    }
    Keys &all = all_keys();
    const std::lock_guard guard(all.mutex);
    all.factories.push_back(std::move(factory));
}

WaitGuard::WaitGuard(WaitGuard &&other) noexcept
    : key_(std::exchange(other.key_, nullptr)), contexts_(std::move(other.contexts_)) {}

WaitGuard &WaitGuard::operator=(WaitGuard &&other) noexcept {
    if (this != &other) {
        stop();
        key_ = std::exchange(other.key_, nullptr);
        contexts_ = std::move(other.contexts_);
    }
    return *this;
}

WaitGuard::~WaitGuard() { stop(); }

void WaitGuard::stop() noexcept {
    if (WaitCounterKey *key = std::exchange(key_, nullptr); key != nullptr) {
        const SteadyTime now = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < contexts_.size(); ++i) {
            key->backends[i]->stop(now, contexts_[i]);
        }
    }
}

WaitCounter::WaitCounter(std::string_view key) : key_(find_key(key)) {}

WaitGuard WaitCounter::start() const {
    WaitGuard guard;
    guard.contexts_.reserve(key_->backends.size());
    const SteadyTime now = std::chrono::steady_clock::now();
    for (const auto &backend : key_->backends) {
        guard.contexts_.push_back(backend->start(now));
    }
    guard.key_ = key_;
    return guard;
}

} // namespace flockstat::monitor
