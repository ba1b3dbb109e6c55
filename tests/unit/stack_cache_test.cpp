// Recognised stacks: never another one than unwinding gives, whatever the frames look like.
#include "shim/stack_cache.h"

#include "tests/unit/captured_stack.h"

#include <catch2/catch.hpp>

#include <alloca.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

// Frames as optimised programs have them: addressed by the stack pointer, the frame pointer used for other
// things.
#if !defined(__clang__)
#pragma GCC optimize("O2", "omit-frame-pointer")
#endif

using namespace flockstat::shim;
using namespace flockstat::test;

namespace {

/// A cache, and for each of its entries the stack that was unwound for it.
struct Subject {
    explicit Subject(std::size_t bytes = 64 * 1024) : memory(bytes / sizeof(Line)) {
        cache.attach(memory.data(), bytes, &unloads);
    }

    struct alignas(64) Line {
        char bytes[64];
    };

    std::uint32_t unloads = 0;
    std::vector<Line> memory;
    StackCache cache;
    CapturedStack captured;
    CapturedStack *fresh = &captured;                // where the next call's stack goes
    const CapturedStack *earlier = nullptr;          // whose return addresses the next call looks for
    bool earlier_return_addresses = false;           // and whether all were there
    std::vector<std::vector<std::uintptr_t>> stacks; // by CachedStack::stack - 1
    CachedStack *entry = nullptr;
    bool hit = false;
    unsigned hits = 0, misses = 0, wrong = 0;
};

Subject *subject = nullptr;

/// True if all slots of return addresses hold what they held then.
bool return_addresses_are_there(const CapturedStack &then) {
    for (unsigned i = 1; i < then.result.depth; ++i) {
        if (load_word(then.frames[i].return_slot) != then.frames[i].instruction)
            return false;
    }
    return true;
}

/// A wrapper: looks its caller's stack up, unwinds it all the same, and compares.
[[gnu::noinline]] void locked_call() {
    Subject &s = *subject;
    const CallSite site = FLOCKSTAT_CALL_SITE();
    s.earlier_return_addresses = s.earlier != nullptr && return_addresses_are_there(*s.earlier);
    s.entry = s.cache.find(site);
    s.hit = s.entry != nullptr;
    s.fresh->site = site;
    s.fresh->result = unwind(site, s.fresh->frames, CapturedStack::max_depth);
    const std::vector<std::uintptr_t> now = s.fresh->instructions();
    if (s.hit) {
        ++s.hits;
        s.wrong += s.stacks.at(s.entry->stack - 1) != now;
        return;
    }
    ++s.misses;
    s.entry = s.cache.insert(site, s.fresh->frames, s.fresh->result.depth);
    if (s.entry != nullptr) {
        s.stacks.push_back(now);
        s.entry->stack = static_cast<std::uint32_t>(s.stacks.size());
    }
}

/// A number that the compiler does not know: a loop that often is not unrolled, and has one call instruction.
[[gnu::noinline]] unsigned opaque(unsigned number) {
    asm volatile("" : "+r"(number));
    return number;
}

[[gnu::noinline]] void keep(void *memory) { asm volatile("" : : "r"(memory) : "memory"); }

#if defined(__x86_64__)
/// A frame between that has another use for the frame pointer, and saves it.
[[gnu::noinline]] void relay_with_frame_pointer(std::uintptr_t value) {
    asm volatile("mov %0, %%rbp" : : "r"(value) : "rbp");
    locked_call();
    asm volatile("" ::: "memory");
}
#endif

// ---- frames of varying size

#if !defined(__SANITIZE_ADDRESS__) // which fills what these leave untouched
using Middle = void (*)(std::size_t);
using Outer = void (*)(std::size_t, Middle);

/// Its frame is as large as it is told to be, so that it is addressed by the frame pointer.
[[gnu::noinline]] void varying(std::size_t bytes) {
    keep(alloca(bytes));
    locked_call();
    asm volatile("" ::: "memory");
}

/// A frame between that leaves the frame pointer alone.
[[gnu::noinline]] void plain_relay() {
    locked_call();
    asm volatile("" ::: "memory");
}

[[gnu::noinline]] void varying_then_plain(std::size_t bytes) {
    keep(alloca(bytes));
    plain_relay();
    asm volatile("" ::: "memory");
}

#if defined(__x86_64__)
[[gnu::noinline]] void varying_then_saved(std::size_t bytes) {
    keep(alloca(bytes));
    relay_with_frame_pointer(0);
    asm volatile("" ::: "memory");
}
#endif

[[gnu::noinline]] void small_outer(std::size_t bytes, Middle middle) {
    middle(bytes);
    asm volatile("" ::: "memory");
}

/// Leaves most of its frame as it was: what an earlier call left there is still there.
[[gnu::noinline]] void large_outer(std::size_t bytes, Middle middle) {
    char untouched[1024];
    keep(untouched + sizeof untouched - 1);
    middle(bytes);
    asm volatile("" ::: "memory");
}

/// Calls both ways, with nothing between that would write over what the first leaves on the stack.
[[gnu::noinline]] void call_both(std::size_t less, Middle middle, CapturedStack *small,
                                 CapturedStack *large) {
    struct Way {
        Outer outer;
        std::size_t bytes;
        CapturedStack *fresh;
        const CapturedStack *earlier;
    };
    const Way ways[] = {{small_outer, 4096, small, nullptr}, {large_outer, 4096 - less, large, small}};
    for (const Way *way = ways, *const end = ways + opaque(2); way != end; ++way) {
        subject->fresh = way->fresh;
        subject->earlier = way->earlier;
        way->outer(way->bytes, middle);
    }
}
#endif

// ---- random call trees

std::mt19937 random_numbers(4711);

template<unsigned Kind>
[[gnu::noinline]] void random_frame(unsigned levels);

void random_call(unsigned levels) {
    if (levels == 0)
        return locked_call();
    switch (random_numbers() % 5) {
    case 0: return random_frame<0>(levels - 1);
    case 1: return random_frame<1>(levels - 1);
    case 2: return random_frame<2>(levels - 1);
    case 3: return random_frame<3>(levels - 1);
    default: return random_frame<4>(levels - 1);
    }
}

template<unsigned Kind>
void random_frame(unsigned levels) {
    if constexpr (Kind == 0) {
        keep(alloca(16 * (random_numbers() % 12)));
    } else if constexpr (Kind == 1) {
        alignas(64) char realigned[64];
        keep(realigned);
    } else if constexpr (Kind == 2) {
        char large[300];
        keep(large);
    } else if constexpr (Kind == 3) {
#if defined(__x86_64__)
        asm volatile("mov %0, %%rbp" : : "r"(std::uintptr_t{random_numbers()}) : "rbp");
#endif
    }
    random_call(levels);
    asm volatile("" ::: "memory");
}

} // namespace

TEST_CASE("a stack is recognised when it is called from again") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    const unsigned levels = GENERATE(0U, 1U, 10U, 60U, 200U);
    for (unsigned i = 0, n = opaque(3); i < n; ++i) {
        descend(levels, locked_call);
        CHECK(s.hit == (i > 0));
    }
    CHECK(s.wrong == 0);
    CHECK(s.entry != nullptr);
    descend(levels + 1, locked_call);
    CHECK_FALSE(s.hit);
}

TEST_CASE("what the recorder keeps with a stack is zero at first, and kept") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    flockstat::record::Leaf accumulators{};
    subject = &s;
    for (unsigned i = 0, n = opaque(3); i < n; ++i) {
        descend(5, locked_call);
        REQUIRE(s.entry != nullptr);
        for (unsigned leaf = 0; leaf < 4; ++leaf) {
            CHECK(s.entry->leaves[leaf].leaf == (i == 0 ? nullptr : &accumulators));
            CHECK(s.entry->leaves[leaf].key == (i == 0 ? 0 : leaf + 1));
            CHECK(s.entry->leaves[leaf].memo.span == 0);
            s.entry->leaves[leaf].leaf = &accumulators;
            s.entry->leaves[leaf].key = leaf + 1;
        }
        CHECK(s.entry->stack == 1);
    }
}

TEST_CASE("a stack differs whose outer frames differ only") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    const std::function<void()> locked = locked_call;
    for (unsigned i = 0, n = opaque(3); i < n; ++i) {
        descend(10, locked); // two calls here, from two places
        CHECK(s.hit == (i > 0));
        descend(10, locked);
        CHECK(s.hit == (i > 0));
    }
    CHECK(s.stacks.size() == 2);
    CHECK(s.wrong == 0);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("a frame of varying size makes no stale stack match, as its return addresses would") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    CapturedStack small, large;
    struct Case {
        const char *name;
        Middle middle;
    };
    const Case cases[] = {
        {"the caller's own frame varies", varying},
        {"a frame further out varies", varying_then_plain},
#if defined(__x86_64__)
        {"its frame pointer was saved", varying_then_saved},
#endif
    };
    for (const Case &c : cases) {
        INFO(c.name);
        bool met = false;
        // The large outer frame leaves so much less for the varying one: the stack pointers meet.
        for (std::size_t less = 512; less < 2048 && !met; less += 16) {
            s.cache.flush();
            const unsigned misses = s.misses;
            call_both(less, c.middle, &small, &large);
            if (large.site.stack_pointer != small.site.stack_pointer)
                continue;
            met = true;
            CHECK(large.site.return_address == small.site.return_address);
            CHECK(large.instructions() != small.instructions());
            CHECK(s.misses == misses + 2);
            CHECK(s.earlier_return_addresses); // or it would not be the case that this is for
        }
        CHECK(met);
    }
    CHECK(s.wrong == 0);
}

#endif

#if defined(__x86_64__)
TEST_CASE("a frame pointer that addresses no frame causes no miss") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    for (std::uintptr_t value = 1; value <= 100; ++value)
        relay_with_frame_pointer(value);
    CHECK(s.misses == 1);
    CHECK(s.wrong == 0);
}
#endif

TEST_CASE("random call trees are never taken for another") {
    REQUIRE(unwinding_is_ready());
    Subject s(128 * 1024);
    subject = &s;
    random_numbers.seed(99);
    for (unsigned i = 0; i < 20'000; ++i)
        random_call(static_cast<unsigned>(random_numbers() % 5));
    CHECK(s.wrong == 0);
    CHECK(s.hits > 4000);
    CHECK(s.misses > 1000);
}

TEST_CASE("all is forgotten after a dlclose, and by flush") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    const bool by_flush = GENERATE(false, true);
    for (unsigned i = 0, n = opaque(4); i < n; ++i) {
        if (i == 2 && by_flush)
            s.cache.flush();
        else if (i == 2)
            ++s.unloads;
        descend(3, locked_call);
        CHECK(s.hit == (i == 1 || i == 3));
    }
}

TEST_CASE("a full cache makes room by forgetting older stacks") {
    REQUIRE(unwinding_is_ready());
    Subject s(StackCache::minimum_bytes);
    subject = &s;
    for (unsigned levels = 0; levels < 120; ++levels) {
        for (unsigned i = 0, n = opaque(2); i < n; ++i)
            descend(levels, locked_call);
        CHECK(s.hit);
    }
    CHECK(s.wrong == 0);
    descend(0, locked_call);
    CHECK_FALSE(s.hit);
    // Too large for it even when it is empty: not kept, and nothing else lost but room.
    std::vector<UnwoundFrame> many(2000);
    for (UnwoundFrame &frame : many)
        frame.return_slot = reinterpret_cast<std::uintptr_t>(&frame);
    CHECK(s.cache.insert({1, 2, 3}, many.data(), 2000) == nullptr);
    CHECK(s.cache.find({1, 2, 3}) == nullptr);
    CHECK(s.cache.insert({1, 2, 3}, many.data(), 20) != nullptr);
}

TEST_CASE("without memory nothing is found and nothing kept") {
    REQUIRE(unwinding_is_ready());
    StackCache cache;
    const CallSite site = {1, 2, 3};
    const UnwoundFrame frame = {};
    CHECK(cache.find(site) == nullptr);
    CHECK(cache.insert(site, &frame, 1) == nullptr);
    cache.flush();
    alignas(64) char little[128] = {};
    cache.attach(little, sizeof little);
    CHECK(cache.insert(site, &frame, 1) == nullptr);
    CHECK(cache.find(site) == nullptr);
}

TEST_CASE("a stack through a signal handler is not kept") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    UnwoundFrame frames[2] = {};
    frames[0].untraceable = true;
    CHECK(s.cache.insert({1, 2, 3}, frames, 2) == nullptr);
    CHECK(s.cache.find({1, 2, 3}) == nullptr);
}

TEST_CASE("a forked child recognises the stacks of its parent") {
    REQUIRE(unwinding_is_ready());
    Subject s;
    subject = &s;
    int status = -1;
    for (unsigned i = 0, n = opaque(2); i < n; ++i) {
        const pid_t child = i == 0 ? -1 : fork();
        descend(8, locked_call);
        if (child == 0)
            _exit(s.hit && s.wrong == 0 ? 0 : 1);
        if (child > 0)
            REQUIRE(waitpid(child, &status, 0) == child);
    }
    CHECK(status == 0);
}
