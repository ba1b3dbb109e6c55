// Unwound stacks against glibc's backtrace(), which is libgcc's unwinder.
#include "shim/unwind.h"

#include "shim/module_map.h"
#include "tests/unit/captured_stack.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <ucontext.h>

using namespace flockstat::shim;
using namespace flockstat::test;

namespace {

CapturedStack stack; // signal handlers and qsort's callback take no argument

void check_agrees_with_backtrace() {
    CHECK(stack.result.depth > 1);
    CHECK_FALSE(stack.result.truncated);
    CHECK_FALSE(stack.result.broken);
    CHECK(stack.instructions() == stack.truth);
}

int compare_and_capture(const void *a, const void *b) {
    capture(stack);
    return *static_cast<const char *>(a) - *static_cast<const char *>(b);
}

void handler(int) { capture(stack); }

/// Handles SIGUSR1 while it lives.
class Handling {
public:
    explicit Handling(int flags) {
        struct sigaction action = {};
        action.sa_handler = handler;
        action.sa_flags = flags;
        sigaction(SIGUSR1, &action, &before_);
    }
    ~Handling() { sigaction(SIGUSR1, &before_, nullptr); }
    Handling(const Handling &) = delete;
    Handling &operator=(const Handling &) = delete;

private:
    struct sigaction before_ = {};
};

/// backtrace() gives the instruction that the signal interrupted, and the one that the handler returns to:
/// the same ones that are given as one past them, so that one byte back is right for every frame.
void check_signal_stack_agrees_with_backtrace() {
    REQUIRE(stack.truth.size() > 4);
    CHECK(stack.result.through_signal);
    CHECK_FALSE(stack.result.broken);
    std::vector<std::uintptr_t> expected = stack.truth;
    expected.at(1) += 1; // libc's trampoline
    expected.at(2) += 1;
    CHECK(stack.instructions() == expected);
}

ucontext_t main_context;

void coroutine() {
    descend(5, [] { capture(stack); });
}

void run_on(void *memory, std::size_t bytes, void (*function)()) {
    ucontext_t context;
    REQUIRE(getcontext(&context) == 0);
    context.uc_stack.ss_sp = memory;
    context.uc_stack.ss_size = bytes;
    context.uc_link = &main_context;
    makecontext(&context, function, 0);
    REQUIRE(swapcontext(&main_context, &context) == 0);
}

} // namespace

TEST_CASE("a chain of calls is unwound to its outermost frame") {
    REQUIRE(unwinding_is_ready());
    const unsigned levels = GENERATE(0U, 1U, 10U, 60U, 200U);
    descend(levels, [] { capture(stack); });
    CHECK(stack.result.depth > levels);
    CHECK(stack.frames[0].instruction == stack.site.return_address);
    CHECK_FALSE(stack.result.through_signal);
    check_agrees_with_backtrace();
}

TEST_CASE("a stack deeper than there is room for is cut off and says so") {
    REQUIRE(unwinding_is_ready());
    const unsigned capacity = GENERATE(1U, 2U, 64U, 300U);
    descend(300, [&] { capture(stack, capacity); });
    CHECK(stack.result.depth == capacity);
    CHECK(stack.result.truncated);
    CHECK_FALSE(stack.result.broken);
    stack.truth.resize(capacity);
    CHECK(stack.instructions() == stack.truth);
}

TEST_CASE("no room for a frame is no error") {
    REQUIRE(unwinding_is_ready());
    CHECK(unwind({1, 2, 3}, nullptr, 0).truncated);
}

TEST_CASE("stacks lead through callbacks of libc and libstdc++") {
    REQUIRE(unwinding_is_ready());
    SECTION("qsort") {
        char letters[] = "unwind";
        std::qsort(letters, 6, 1, compare_and_capture);
    }
    SECTION("bsearch in a function object") {
        const std::function<void()> inner = [] {
            const char letter = 'n';
            CHECK(std::bsearch(&letter, "n", 1, 1, compare_and_capture) != nullptr);
        };
        descend(3, [&] { inner(); });
    }
    check_agrees_with_backtrace();
}

TEST_CASE("the stack of a thread ends where the thread began") {
    REQUIRE(unwinding_is_ready());
    std::thread thread([] { descend(7, [] { capture(stack); }); });
    thread.join();
    check_agrees_with_backtrace();
}

TEST_CASE("a signal handler's stack leads on into the interrupted function") {
    REQUIRE(unwinding_is_ready());
    SECTION("on the thread's own stack") {
        const Handling handling(0);
        descend(4, [] { std::raise(SIGUSR1); });
    }
    SECTION("on an alternate stack") {
        const auto memory = std::make_unique<char[]>(64 * 1024);
        stack_t alternate = {}, before = {};
        alternate.ss_sp = memory.get();
        alternate.ss_size = 64 * 1024;
        REQUIRE(sigaltstack(&alternate, &before) == 0);
        const Handling handling(SA_ONSTACK);
        descend(4, [] { std::raise(SIGUSR1); });
        REQUIRE(sigaltstack(&before, nullptr) == 0);
    }
    check_signal_stack_agrees_with_backtrace();
}

TEST_CASE("the stack of a coroutine ends where the coroutine began") {
    REQUIRE(unwinding_is_ready());
    const auto memory = std::make_unique<char[]>(256 * 1024);
    run_on(memory.get(), 256 * 1024, coroutine);
    CHECK(stack.instructions() ==
          stack.truth); // `broken` too: glibc does not describe what it returns to there
    CHECK(stack.result.depth > 5);
    CHECK_FALSE(stack.result.truncated);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("unwinding takes little stack") {
    REQUIRE(unwinding_is_ready());
    // A handler on an alternate stack of SIGSTKSZ has 4.5 KiB where the kernel saves the registers of
    // AVX-512.
    constexpr std::size_t bytes = 64 * 1024;
    const auto memory = std::make_unique<unsigned char[]>(bytes);
    std::memset(memory.get(), 0xa5, bytes);
    run_on(memory.get(), bytes, [] {
        descend(4, [] {
            const CallSite site = FLOCKSTAT_CALL_SITE();
            stack.site = site;
            stack.result = unwind(site, stack.frames, CapturedStack::max_depth);
        });
    });
    CHECK(stack.result.depth > 4);
    const unsigned char *const lowest =
        std::find_if(memory.get(), memory.get() + bytes, [](unsigned char byte) { return byte != 0xa5; });
    const std::uintptr_t used = stack.site.stack_pointer - reinterpret_cast<std::uintptr_t>(lowest);
    CAPTURE(used);
    CHECK(used > 1024);
    CHECK(used <= 4608);
}
#endif

TEST_CASE("a return address is found in its module, at its offset") {
    REQUIRE(unwinding_is_ready());
    char letters[] = "module";
    std::qsort(letters, 6, 1, compare_and_capture);
    bool seen_libc = false;
    for (const std::uintptr_t address : stack.instructions()) {
        ModuleAt module = {};
        REQUIRE(find_module(address, &module));
        Dl_info truth = {};
        REQUIRE(dladdr(reinterpret_cast<void *>(address), &truth) != 0);
        CHECK(module.load_bias ==
              reinterpret_cast<std::uintptr_t>(truth.dli_fbase)); // linked at 0, as both are
        CHECK(module.start <= address);
        CHECK(address < module.end);
        if (std::string(module.path).find("libc.so.6") != std::string::npos) {
            seen_libc = true;
            CHECK(module.build_id != nullptr); // every distribution's libc has one
            CHECK(module.build_id_bytes == 20);
            CHECK(std::string(truth.dli_fname) == module.path);
        }
    }
    CHECK(seen_libc);
    const int on_the_stack = 0;
    ModuleAt none = {};
    CHECK_FALSE(find_module(reinterpret_cast<std::uintptr_t>(&on_the_stack), &none));
}
