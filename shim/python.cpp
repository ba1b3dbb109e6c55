#include "shim/python.h"

#include "shim/dynamic_symbol.h"

#include <climits>
#include <cstring>

namespace flockstat::shim {
namespace {

/// A program that embeds Python may load and unload it more than once.
constexpr unsigned most_interpreters = 4;
Python interpreters[most_interpreters];
unsigned interpreter_count = 0;

/// Where the thread's key is: well within the first part of _PyRuntime, in all known versions.
constexpr std::uintptr_t key_within = 16 * 1024;

bool find_layout(std::uintptr_t runtime, std::uint32_t version, PythonLayout *out) {
    if (tabled_python_layout(version, out)) {
        return true;
    }
    std::uint64_t words[published_python_words];
    if (!range_is_readable(runtime, sizeof words)) {
        return false;
    }
    std::memcpy(words, reinterpret_cast<const void *>(runtime), sizeof words);
    return published_python_layout(words, version, out);
}

/// Py_Version was added in 3.11.
std::uint32_t version_in(const ModuleAt &module) {
    SymbolAt symbol;
    if (!find_dynamic_symbol(module, "Py_Version", &symbol) ||
        !range_is_readable(symbol.address, sizeof(unsigned long))) {
        return 0;
    }
    return static_cast<std::uint32_t>(load_word(symbol.address));
}

/// Is this the calling thread's state? Its ident is what pthread_self() gave when it was made, and it belongs
/// to an interpreter.
bool is_own_thread(std::uintptr_t state, const PythonLayout &layout) {
    ReadablePages pages;
    const auto word = [&](std::uint32_t offset) {
        return pages.contains(state + offset, sizeof(std::uintptr_t)) ? load_word(state + offset) : 0;
    };
    const std::uintptr_t owner = word(layout.thread_interpreter);
    return state % sizeof(std::uintptr_t) == 0 && word(layout.thread_ident) == pthread_self() && owner != 0 &&
           range_is_readable(owner, sizeof(std::uintptr_t));
}

} // namespace

const Python *python = nullptr;

std::uint32_t look_for_python(const ModuleAt &module, std::uint32_t unloads) {
    constexpr std::uint32_t unknown_version = 0x03000000;
    SymbolAt runtime;
    if (!find_dynamic_symbol(module, "_PyRuntime", &runtime)) {
        return find_dynamic_symbol(module, "Py_GetVersion", &runtime) ? unknown_version : 0; // before 3.7
    }
    const std::uint32_t version = version_in(module);
    PythonLayout layout;
    if (!find_layout(runtime.address, version, &layout)) {
        return version == 0 ? unknown_version : version;
    }
    const Python *known = __atomic_load_n(&python, __ATOMIC_ACQUIRE);
    if (known != nullptr && (known->unloads == unloads || known->runtime == runtime.address)) {
        if (known->runtime == runtime.address) {
            __atomic_store_n(&const_cast<Python *>(known)->unloads, unloads, __ATOMIC_RELAXED);
        }
        return 0;
    }
    const unsigned place = __atomic_fetch_add(&interpreter_count, 1U, __ATOMIC_RELAXED);
    if (place >= most_interpreters) {
        __atomic_store_n(&interpreter_count, most_interpreters, __ATOMIC_RELAXED);
        return version;
    }
    interpreters[place] = {.layout = layout,
                           .runtime = runtime.address,
                           .module_start = module.start,
                           .module_end = module.end,
                           .unloads = unloads,
                           .key_address = 0,
                           .key_word = 0};
    __atomic_store_n(&python, &interpreters[place], __ATOMIC_RELEASE);
    return 0;
}

/// Py_tss_t (Include/cpython/pythread.h) is an int that is 1 while the key is in use, then the pthread key.
/// It is found by what it leads to, because its place is not among what interpreters publish.
void find_python_thread_key() {
    auto *interpreter = const_cast<Python *>(__atomic_load_n(&python, __ATOMIC_ACQUIRE));
    if (interpreter == nullptr ||
        (interpreter->key_address != 0 && load_word(interpreter->key_address) == interpreter->key_word)) {
        return;
    }
    ReadablePages pages;
    for (std::uintptr_t at = interpreter->runtime; at < interpreter->runtime + key_within;
         at += sizeof(int)) {
        if (!pages.contains(at, sizeof(std::uint64_t))) {
            return;
        }
        std::uint64_t word = 0;
        std::memcpy(&word, reinterpret_cast<const void *>(at), sizeof word);
        const std::uint64_t key = word >> 32U;
        if ((word & UINT32_MAX) != 1 || key >= PTHREAD_KEYS_MAX) {
            continue;
        }
        const auto state =
            reinterpret_cast<std::uintptr_t>(pthread_getspecific(static_cast<pthread_key_t>(key)));
        if (state != 0 && is_own_thread(state, interpreter->layout)) {
            interpreter->key_word = word;
            __atomic_store_n(&interpreter->key_address, at, __ATOMIC_RELEASE);
            return;
        }
    }
}

} // namespace flockstat::shim
