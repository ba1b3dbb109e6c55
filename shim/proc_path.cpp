#include "shim/proc_path.h"

#include <cerrno>

namespace flockstat::shim {

std::string_view own_folder() {
    constexpr std::string_view of_thread = "/proc/thread-self";
    static signed char has_it = -1; // not asked yet; threads that ask at once are told the same
    if (__atomic_load_n(&has_it, __ATOMIC_RELAXED) < 0) {
        char link[32];
        const bool found = record::system_call(SYS_readlinkat, AT_FDCWD, record::address_of(of_thread.data()),
                                               record::address_of(link), sizeof link) != -ENOENT;
        __atomic_store_n(&has_it, static_cast<signed char>(found), __ATOMIC_RELAXED);
    }
    return __atomic_load_n(&has_it, __ATOMIC_RELAXED) != 0 ? of_thread : "/proc/self";
}

} // namespace flockstat::shim
