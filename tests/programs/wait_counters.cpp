// build: -Wno-missing-field-initializers
// Drives the dynamic backend of PyTorch's wait counters as PyTorch does. wait_counters WHAT:
//   absent      prints whether the symbol is there
//
//   shapes      known starts and stops: from other threads, nested, out of order, never stopped; prints what
//               they took
//
//   fork        waits that cross a fork, in both directions; prints both pids
//
//   threads     8 threads, 20,000 pairs each on one key
//
//   cost N      N start/stop pairs by the clock that PyTorch reads; prints nanoseconds of a pair without the
//               clock
//
//   names       a wait for each of nine awkward keys
#include <dlfcn.h>
#include <sys/wait.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tell.h"

namespace {

struct Backend {
    void *self = nullptr;
    std::intptr_t (*start)(void *self, std::int64_t now_us) noexcept = nullptr;
    void (*stop)(void *self, std::int64_t now_us, std::intptr_t context) noexcept = nullptr;
    void (*destroy)(void *self) noexcept = nullptr;
};
using Init = void (*)(Backend *backend, const char *key, std::size_t key_bytes);

Init find_init() {
    return reinterpret_cast<Init>(dlsym(RTLD_DEFAULT, "c10_monitor_wait_counter_dynamic_backend_init_v1"));
}

Backend backend_of(const std::string &key) {
    Backend backend;
    const std::string longer = key + "tail"; // the key is not NUL-terminated
    find_init()(&backend, longer.data(), key.size());
    if (backend.self == nullptr)
        std::exit(91);
    return backend;
}

std::int64_t now_us() { return now_ns() / 1000; }

void pause_ms(int ms) { sleep_ms(ms); }

std::int64_t pair(const Backend &backend, int ms) {
    const std::int64_t started = now_us();
    const std::intptr_t context = backend.start(backend.self, started);
    pause_ms(ms);
    const std::int64_t stopped = now_us();
    backend.stop(backend.self, stopped, context);
    return stopped - started;
}

void shapes() {
    std::int64_t sum = 0;
    const Backend plain = backend_of("shapes.plain");
    for (int i = 0; i < 5; ++i)
        sum += pair(plain, i);
    std::printf("plain %lld\n", static_cast<long long>(sum));

    // Two that overlap, stopped in the order of their starts, the first one by another thread.
    const Backend two = backend_of("shapes.two");
    const std::int64_t at = now_us();
    const std::intptr_t first = two.start(two.self, at);
    pause_ms(10);
    const std::int64_t second_at = now_us();
    const std::intptr_t second = two.start(two.self, second_at);
    std::thread([&] { two.stop(two.self, second_at + 1000, first); }).join();
    two.stop(two.self, second_at + 3000, second);
    std::printf("two %lld\n", static_cast<long long>(second_at - at + 1000 + 3000));
    std::printf("two_busy %lld\n", static_cast<long long>(second_at - at + 3000));

    const Backend never = backend_of("shapes.never");
    (void)never.start(never.self, now_us());
    (void)never.start(never.self, now_us());
    const Backend again = backend_of("shapes.plain"); // the same key is the same counter
    sum = pair(again, 1);
    again.destroy(again.self);
    std::printf("again %lld\n", static_cast<long long>(sum));
}

void across_fork() {
    const Backend backend = backend_of("fork.key");
    const std::int64_t started = now_us();
    const std::intptr_t context = backend.start(backend.self, started);
    const pid_t child = fork();
    if (child == 0) {
        backend.stop(backend.self, now_us(), context); // not the child's wait
        pair(backend, 2);
        pair(backend, 2);
        _exit(0);
    }
    waitpid(child, nullptr, 0);
    backend.stop(backend.self, now_us(), context);
    std::printf("%d %d\n", getpid(), child);
}

void many_threads() {
    const Backend backend = backend_of("threads.key");
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 20'000; ++n)
                backend.stop(backend.self, now_us(), backend.start(backend.self, now_us()));
        });
    for (std::thread &thread : threads)
        thread.join();
}

void cost(long pairs, bool with_threads) {
    const Backend backend = backend_of("cost.key");
    std::thread other;
    if (with_threads) // so that glibc knows of more than one thread
        other = std::thread([] { pause_ms(1); });
    const long long before = now_ns();
    for (long i = 0; i < pairs; ++i) {
        const std::int64_t at = 1'000'000'000 + i;
        backend.stop(backend.self, at + (i & 63), backend.start(backend.self, at));
    }
    std::printf("%.1f\n", static_cast<double>(now_ns() - before) / static_cast<double>(pairs));
    if (other.joinable())
        other.join();
}

void awkward_names() {
    for (const char *key : {"my.key", "my_key", "my \"quoted\" key", "back\\slash", "new\nline",
                            "no UTF-8 \xff\xfe", "filelock.enter", "filelock.enter.mean", ""})
        pair(backend_of(key), 1);
}

} // namespace

int main(int count, char **arguments) {
    const std::string what = count > 1 ? arguments[1] : "";
    if (what == "absent")
        say(find_init() == nullptr ? "absent" : "there");
    else if (what == "shapes")
        shapes();
    else if (what == "fork")
        across_fork();
    else if (what == "threads")
        many_threads();
    else if (what == "cost")
        cost(count > 2 ? std::stol(arguments[2]) : 1'000'000, count > 3);
    else if (what == "names")
        awkward_names();
    return 0;
}
