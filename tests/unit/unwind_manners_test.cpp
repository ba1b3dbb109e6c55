// What unwinding must not do to the program it is in: fault, allocate, open, wait.
#include "shim/unwind.h"
#include "shim/unwind_memory.h"

#include "shim/stack_cache.h"
#include "tests/unit/captured_stack.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace flockstat::shim;
using namespace flockstat::test;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {
void *__libc_malloc(std::size_t);
void *__libc_calloc(std::size_t, std::size_t);
void *__libc_realloc(void *, std::size_t);

// The tests' malloc is libc's, counted.
void *malloc(std::size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}
void *calloc(std::size_t count, std::size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}
void *realloc(void *old, std::size_t bytes) {
    ++allocations;
    return __libc_realloc(old, bytes);
}
}
constexpr bool allocations_are_counted = true;
#else
constexpr bool allocations_are_counted = false;
#endif

namespace {

constexpr std::size_t page = 4096;

/// Pages that can be read and written, between two that cannot be read.
class GuardedPages {
public:
    explicit GuardedPages(std::size_t pages)
        : bytes_(pages * page),
          start_(static_cast<char *>(
              mmap(nullptr, bytes_ + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        REQUIRE(start_ != MAP_FAILED);
        REQUIRE(mprotect(start_, page, PROT_NONE) == 0);
        REQUIRE(mprotect(start_ + page + bytes_, page, PROT_NONE) == 0);
    }
    ~GuardedPages() { munmap(start_, bytes_ + 2 * page); }
    GuardedPages(const GuardedPages &) = delete;
    GuardedPages &operator=(const GuardedPages &) = delete;

    [[nodiscard]] std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(start_) + page; }
    [[nodiscard]] std::uintptr_t end() const { return begin() + bytes_; }
    void forbid() { REQUIRE(mprotect(start_, bytes_ + 2 * page, PROT_NONE) == 0); }
    void allow() { REQUIRE(mprotect(start_ + page, bytes_, PROT_READ | PROT_WRITE) == 0); }

private:
    std::size_t bytes_;
    char *start_;
};

CapturedStack stack;

/// What may stand in a stack that was written over: code, stack, nothing, noise.
std::uintptr_t plausible_word(std::mt19937_64 &random, const GuardedPages &pages) {
    switch (random() % 6) {
    case 0: return pages.begin() + random() % (pages.end() - pages.begin());
    case 1: return (pages.begin() + random() % (pages.end() - pages.begin())) & ~std::uintptr_t{7};
    case 2: return 0;
    case 3: return random();
    case 4: return reinterpret_cast<std::uintptr_t>(&std::qsort) + random() % 1000;
    default: return stack.truth.at(random() % stack.truth.size());
    }
}

[[gnu::noinline]] UnwindResult unwind_here() {
    static thread_local UnwoundFrame frames[64];
    return unwind(FLOCKSTAT_CALL_SITE(), frames, 64);
}

std::atomic<unsigned> handled = 0;

void unwind_in_handler(int) {
    const int before = errno;
    const UnwindResult result = unwind_here();
    if (result.through_signal && !result.broken && errno == before)
        handled.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

TEST_CASE("an address is readable if a load from it would not fault") {
    const GuardedPages pages(2);
    CHECK(page_is_readable(pages.begin()));
    CHECK(page_is_readable(pages.end() - 1));
    CHECK_FALSE(page_is_readable(pages.begin() - 1));
    CHECK_FALSE(page_is_readable(pages.end()));
    CHECK_FALSE(page_is_readable(0));
    CHECK_FALSE(page_is_readable(~std::uintptr_t{0}));
    CHECK(range_is_readable(pages.begin(), 2 * page));
    CHECK_FALSE(range_is_readable(pages.begin(), 2 * page + 1));
    CHECK_FALSE(range_is_readable(~std::uintptr_t{0} - 3, 8));
    ReadablePages readable;
    CHECK(readable.contains(pages.end() - 8, 8));
    CHECK_FALSE(readable.contains(pages.end() - 7, 8));
    CHECK_FALSE(readable.contains(~std::uintptr_t{0} - 3, 8));
}

TEST_CASE("asking whether an address is readable leaves errno and the signal mask alone") {
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &before, nullptr) == 0);
    REQUIRE(pthread_sigmask(SIG_BLOCK, nullptr, &before) == 0);
    std::uint64_t everything[512];
    std::memset(everything, 0xff, sizeof everything);
    errno = ENOTTY;
    CHECK(page_is_readable(reinterpret_cast<std::uintptr_t>(everything) + sizeof everything / 2));
    CHECK_FALSE(page_is_readable(0));
    CHECK(errno == ENOTTY);
    REQUIRE(pthread_sigmask(SIG_BLOCK, nullptr, &after) == 0);
    CHECK(std::memcmp(&before, &after, 8) == 0);
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    REQUIRE(pthread_sigmask(SIG_UNBLOCK, &before, nullptr) == 0);
}

TEST_CASE("a broken stack is given up without a fault, in the cache as well") {
    REQUIRE(unwinding_is_ready());
    descend(20, [] { capture(stack); });
    std::mt19937_64 random(20240607);
    GuardedPages pages(4);
    GuardedPages cache_memory(8);
    StackCache cache;
    cache.attach(reinterpret_cast<void *>(cache_memory.begin()), 8 * page);
    unsigned broken = 0, deep = 0, kept = 0, found = 0, readable_no_more = 0;
    for (unsigned round = 0; round < 5000; ++round) {
        for (std::uintptr_t address = pages.begin(); address < pages.end(); address += 8) {
            const std::uintptr_t word = plausible_word(random, pages);
            std::memcpy(reinterpret_cast<void *>(address), &word, sizeof word);
        }
        const CallSite site = {stack.truth.at(random() % stack.truth.size()),
                               random() % 8 == 0 ? pages.end() - 16 : plausible_word(random, pages),
                               plausible_word(random, pages)};
        UnwoundFrame frames[100];
        const UnwindResult result = unwind(site, frames, 100);
        REQUIRE(result.depth >= 1);
        CHECK(frames[0].instruction == site.return_address);
        broken += result.broken;
        deep += result.depth > 2;
        cache.flush(); // an entry that was not broken may rely on its stack being there
        const CachedStack *const entry = cache.insert(site, frames, result.depth);
        if (result.broken && entry != nullptr) {
            ++kept;
            found += cache.find(site) == entry;
            pages.forbid();
            readable_no_more += cache.find(site) == nullptr;
            pages.allow();
        }
    }
    CHECK(broken > 1000);
    CHECK(deep > 100);
    CHECK(kept > 100);
    CHECK(found == kept);
    CHECK(readable_no_more > 100);
}

TEST_CASE("unwinding opens nothing, allocates nothing, and keeps errno") {
    REQUIRE(unwinding_is_ready());
    descend(30, [] { static_cast<void>(unwind_here()); });
    const std::ptrdiff_t descriptors = open_descriptors();
    const unsigned before = allocations;
    errno = ENOTTY;
    UnwindResult result = {};
    for (unsigned i = 0; i < 100; ++i)
        result = unwind_here();
    CHECK(errno == ENOTTY);
    CHECK(allocations == before);
    CHECK(open_descriptors() == descriptors);
    CHECK(result.depth > 3);
}

TEST_CASE("unwinding is set up without opening or allocating anything") {
    const SetUp &set_up = set_up_unwinding();
    CHECK(set_up.ready);
    CHECK(set_up.allocations == 0);
    CHECK(set_up.descriptors == 0);
    const auto something = std::make_unique<CapturedStack>();
    CHECK((something != nullptr && allocations > 0) == allocations_are_counted);
}

TEST_CASE("a child unwinds that was forked while another thread was unwinding") {
    REQUIRE(unwinding_is_ready());
    std::atomic<bool> stop = false;
    std::thread busy([&] {
        while (!stop)
            static_cast<void>(unwind_here());
    });
    unsigned good = 0;
    for (unsigned i = 0; i < 200; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(10);
            const UnwindResult result = unwind_here();
            _exit(result.depth > 3 && !result.broken ? 0 : 1);
        }
        int status = -1;
        good += waitpid(child, &status, 0) == child && status == 0;
    }
    stop = true;
    busy.join();
    CHECK(good == 200);
}

TEST_CASE("a signal handler unwinds that interrupted an unwinding of its thread") {
    REQUIRE(unwinding_is_ready());
    struct sigaction action = {}, before = {};
    action.sa_handler = unwind_in_handler;
    REQUIRE(sigaction(SIGALRM, &action, &before) == 0);
    const UnwindResult expected = unwind_here();
    const itimerval often = {{0, 200}, {0, 200}}, never = {};
    handled = 0;
    REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
    unsigned wrong = 0;
    for (unsigned rounds = 0; handled < 300 && rounds < 5'000'000; ++rounds)
        wrong += unwind_here().depth != expected.depth;
    REQUIRE(setitimer(ITIMER_REAL, &never, nullptr) == 0);
    REQUIRE(sigaction(SIGALRM, &before, nullptr) == 0);
    CHECK(handled >= 300);
    CHECK(wrong == 0);
}

TEST_CASE("threads unwind at once") {
    REQUIRE(unwinding_is_ready());
    std::atomic<unsigned> wrong = 0;
    std::vector<std::thread> threads;
    for (unsigned levels = 1; levels <= 4; ++levels) {
        threads.emplace_back([levels, &wrong] {
            const auto own = std::make_unique<CapturedStack>();
            descend(levels, [&] {
                for (unsigned i = 0; i < 300; ++i) {
                    capture(*own);
                    wrong += own->instructions() != own->truth;
                }
            });
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    CHECK(wrong == 0);
}
