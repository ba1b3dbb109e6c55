/// The CPython interpreter in this process, where there is one whose stacks can be read.
///
/// Nothing of it is called. What is read of it belongs to the calling thread: its thread state, its frames
/// and what those refer to do not change or go away while the thread is inside a lock call, with the global
/// interpreter lock or without.
#pragma once

#include "shim/module_map.h"
#include "shim/python_layout.h"
#include "shim/unwind_memory.h"

#include <pthread.h>

namespace flockstat::shim {

/// An interpreter: one libpython, or one executable that has it linked in.
struct Python {
    PythonLayout layout;
    std::uintptr_t runtime;                  ///< _PyRuntime
    std::uintptr_t module_start, module_end; ///< of its code
    std::uint32_t unloads;                   ///< dlclose calls when it was last seen
    std::uintptr_t key_address; ///< of the interpreter's Py_tss_t for a thread's state; 0: not known yet
    std::uint64_t key_word;     ///< what was there: that it is in use, and which pthread key it is
};

/// The interpreter, or nullptr. Set once it is complete; never reused for another one.
extern const Python *python;

/// A module was seen on a stack for the first time (`unloads`: dlclose calls so far): is it an interpreter?
/// Returns the version of one whose stacks cannot be read, 0 otherwise. Async-signal-safe, in all threads at
/// once.
std::uint32_t look_for_python(const ModuleAt &module, std::uint32_t unloads);

/// Looks for where the interpreter keeps the calling thread's state, unless that is known. Called where the
/// thread has some of the interpreter's code on its stack.
void find_python_thread_key();

/// The interpreter's state of the calling thread; 0 where it has none, or may lose it: the interpreter is
/// being ended, by another thread. Good until the wrapper returns.
[[nodiscard, gnu::always_inline]] inline std::uintptr_t python_thread(const Python &interpreter) {
    const std::uintptr_t address = interpreter.key_address;
    if (address == 0 || load_word(address) != interpreter.key_word) [[unlikely]] {
        return 0;
    }
    // glibc's takes no lock, and gives null for a key that is none.
    const auto state = reinterpret_cast<std::uintptr_t>(
        pthread_getspecific(static_cast<pthread_key_t>(interpreter.key_word >> 32U)));
    const std::uintptr_t ending = load_word(interpreter.runtime + interpreter.layout.runtime_finalizing);
    return ending == 0 || ending == state ? state : 0;
}

} // namespace flockstat::shim
