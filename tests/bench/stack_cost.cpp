// What a stack costs by depth: found in the stack cache, and unwound. Prints a table; takes no argument.
// build: -fno-omit-frame-pointer
// build: shim/unwind.cpp shim/unwind_tables.cpp shim/unwind_memory.cpp shim/module_map.cpp
// build: shim/stack_cache.cpp shim/libunwind_wraps.cpp
// build: shim/python_chain.cpp shim/python.cpp shim/python_layout.cpp shim/dynamic_symbol.cpp
// build: build/deps/libunwind/lib/libunwind-x86_64.a build/deps/libunwind/lib/libunwind.a
// build: -Wl,--wrap=calloc -Wl,--wrap=_Ux86_64_init_mem_validate -Wl,--wrap=_UIx86_64__mempool_init
// build: -Wl,--wrap=_UIx86_64__mempool_alloc -Wl,--wrap=_UIx86_64__mempool_free
#include "shim/stack_cache.h"

#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <pthread.h>

using namespace flockstat::shim;

namespace {

constexpr unsigned max_depth = 128, misses = 2000, hits = 1'000'000;

UnwoundFrame frames[max_depth];
StackCache cache;
alignas(64) std::byte memory[64 * 1024];
bool found_all = true;

/// The thread's own processor time: what else the machine does counts little.
double nanoseconds() {
    timespec now = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

[[gnu::noinline]] void measure() {
    const CallSite site = FLOCKSTAT_CALL_SITE();
    UnwindResult result = {};
    const double start = nanoseconds();
    for (unsigned i = 0; i < misses; ++i) {
        result = unwind(site, frames, max_depth);
    }
    const double unwound = nanoseconds();
    const CachedStack *const entry = cache.insert(site, frames, result.depth);
    unsigned found = 0;
    const double begin = nanoseconds();
    for (unsigned i = 0; i < hits; ++i) {
        asm volatile("" ::: "memory"); // the stack may have changed
        found += cache.find(site) == entry ? 1U : 0U;
    }
    const double end = nanoseconds();
    found_all = found_all && entry != nullptr && found == hits;
    std::printf("depth %3u: hit %6.1f ns, miss %7.2f us\n", result.depth, (end - begin) / hits,
                (unwound - start) / misses / 1000);
}

[[gnu::noinline]] void measure_at(unsigned levels) {
    if (levels == 0) {
        measure();
    } else {
        measure_at(levels - 1);
    }
    asm volatile("" ::: "memory"); // no tail call
}

/// A thread's stack has two frames below this one.
void *measure_depths(void *) {
    for (const unsigned depth : {5U, 10U, 25U, 40U, 100U}) {
        measure_at(depth - 4);
    }
    return nullptr;
}

} // namespace

int main() {
    cache.attach(memory, sizeof memory);
    pthread_t thread;
    if (!unwind_init() || pthread_create(&thread, nullptr, measure_depths, nullptr) != 0 ||
        pthread_join(thread, nullptr) != 0 || !found_all) {
        std::fputs("stack_cost: stacks were not unwound or not found again\n", stderr);
        return 1;
    }
    return 0;
}
