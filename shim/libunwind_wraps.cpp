/// What libunwind gets instead of some of its own functions and of libc's, linked with --wrap (shim/wrap.mk).
/// As it is, its first use opens a pipe in the program, and its pools map memory and take a mutex around each
/// object.
///
/// The names are libunwind's internal ones. With a version of it that has others this does not link, because
/// the real functions are mentioned below.
#include "shim/unwind_memory.h"

#include <libunwind.h>

#include <cstdint>

#define WRAPPED(name) UNW_PASTE(__wrap__U, UNW_PASTE(UNW_TARGET, _##name))
#define REAL(name) UNW_PASTE(__real__U, UNW_PASTE(UNW_TARGET, _##name))
#define REAL_INTERNAL(name) UNW_PASTE(__real__UI, UNW_PASTE(UNW_TARGET, __##name))
#define WRAPPED_INTERNAL(name) UNW_PASTE(__wrap__UI, UNW_PASTE(UNW_TARGET, __##name))

namespace flockstat::shim {
namespace {

bool serving = false;
bool fits = true;
bool wrapped = false;

// struct unw_addr_space: 200 bytes and, with libunwind's cache inside, some 26 KiB on x86-64, 120 KiB on
// aarch64.
#if defined(__aarch64__)
constexpr std::size_t static_bytes = 160 * 1024;
#else
constexpr std::size_t static_bytes = 40 * 1024;
#endif
alignas(64) std::byte static_memory[static_bytes]; // .bss: only touched pages cost anything
std::size_t static_used = 0;

} // namespace

bool libunwind_wraps_fit() { return fits && wrapped; }

void serve_libunwind_from_static_memory(bool on) { serving = on; }

} // namespace flockstat::shim

extern "C" {

using flockstat::shim::UnwindScratch;

void *__real_calloc(std::size_t count, std::size_t bytes);
void *__wrap_calloc(std::size_t count, std::size_t bytes);
void REAL(init_mem_validate)();
void *REAL_INTERNAL(mempool_alloc)(void *pool);
void REAL_INTERNAL(mempool_free)(void *pool, void *object);
void WRAPPED(init_mem_validate)();
void WRAPPED_INTERNAL(mempool_init)(void *pool, std::size_t object_bytes, std::size_t reserve);
void *WRAPPED_INTERNAL(mempool_alloc)(void *pool);
void WRAPPED_INTERNAL(mempool_free)(void *pool, void *object);

/// libunwind's only allocation on our way is its address space, in unwind_init; everybody else's calloc goes
/// to libc.
void *__wrap_calloc(std::size_t count, std::size_t bytes) {
    using namespace flockstat::shim;
    if (!serving)
        return __real_calloc(count, bytes);
    std::size_t wanted = 0;
    if (__builtin_mul_overflow(count, bytes, &wanted) || wanted > static_bytes - static_used) {
        fits = false;
        return nullptr;
    }
    void *const given = static_memory + static_used;
    static_used += (wanted + 63) & ~std::size_t{63};
    if (static_used > static_bytes)
        static_used = static_bytes;
    return given;
}

/// Opens the pipe with which libunwind's own accessors test addresses; ours ask the kernel another way.
void WRAPPED(init_mem_validate)() {}

void WRAPPED_INTERNAL(mempool_init)(void *, std::size_t object_bytes, std::size_t) {
    asm volatile(""
                 :
                 : "r"(&REAL(init_mem_validate)), "r"(&REAL_INTERNAL(mempool_alloc)),
                   "r"(&REAL_INTERNAL(mempool_free)));
    flockstat::shim::wrapped = true;
    if (object_bytes > UnwindScratch::block_bytes)
        flockstat::shim::fits = false;
}

void *WRAPPED_INTERNAL(mempool_alloc)(void *) {
    UnwindScratch *const scratch = UnwindScratch::current();
    return scratch == nullptr ? nullptr : scratch->take();
}

void WRAPPED_INTERNAL(mempool_free)(void *, void *object) {
    UnwindScratch *const scratch = UnwindScratch::current();
    if (scratch != nullptr)
        scratch->give_back(object);
}
}
