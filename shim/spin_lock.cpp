#include "shim/spin_lock.h"

#include "reporter/record/system_call.h"
#include "shim/run.h"

#include <ctime>
#include <dlfcn.h>

namespace flockstat::shim {

namespace {

constexpr unsigned generation_shift = 48; // user addresses have 47 bits
constexpr unsigned spins = 1000;
constexpr unsigned yields = 1000;
// A holder that lost its processor on a busy machine gets it back within a few time slices.
constexpr unsigned naps = 200;
constexpr long nap_ns = 50'000;
/// A thread without state yet: at its very first call.
constexpr std::uint64_t nameless = 1;

const char not_single_threaded = 0;

} // namespace

const char *single_threaded = &not_single_threaded;

void find_single_threaded() {
    if (const void *found = dlsym(RTLD_DEFAULT, "__libc_single_threaded"); found != nullptr) {
        single_threaded = static_cast<const char *>(found);
    }
}

void name_lock_holder() {
    const auto thread = reinterpret_cast<std::uintptr_t>(thread_slot.state);
    thread_slot.lock_name =
        (std::uint64_t{run.generation} << generation_shift) | (thread != 0 ? thread : nameless);
}

bool SpinLock::lock_slowly(std::uint64_t mine) {
    for (unsigned i = 0; i < spins + yields + naps; ++i) {
        std::uint64_t seen = __atomic_load_n(&holder_, __ATOMIC_RELAXED);
        const bool other_process = (seen >> generation_shift) != (mine >> generation_shift);
        const bool abandoned = other_process || (seen == mine && (mine & nameless) == 0);
        if ((seen == 0 || abandoned) &&
            __atomic_compare_exchange_n(&holder_, &seen, mine, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return true;
        }
        if (i >= spins + yields) {
            const timespec nap{0, nap_ns};
            record::system_call(SYS_nanosleep, record::address_of(&nap), 0);
        } else if (i >= spins) {
            record::system_call(SYS_sched_yield);
        }
    }
    return false;
}

} // namespace flockstat::shim
