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
// A holder that lost its processor on a busy machine gets it back within some time slices: tenths of a second
// where a dozen want each processor.
constexpr unsigned naps = 200;
constexpr long nap_ns = 50'000;
constexpr unsigned long_naps = 500;
constexpr long long_nap_ns = 2'000'000;

const char not_single_threaded = 0;

} // namespace

const char *single_threaded = &not_single_threaded;

void find_single_threaded() {
    if (const void *found = dlsym(RTLD_DEFAULT, "__libc_single_threaded"); found != nullptr) {
        single_threaded = static_cast<const char *>(found);
    }
}

void name_lock_holder() {
    const auto thread = reinterpret_cast<std::uintptr_t>(&thread_slot);
    thread_slot.lock_name = (std::uint64_t{run.generation} << generation_shift) | thread;
}

bool SpinLock::lock_slowly(std::uint64_t mine) {
    std::uint64_t seen = 0;
    for (unsigned i = 0; i < spins + yields + naps + long_naps; ++i) {
        seen = __atomic_load_n(&holder_, __ATOMIC_RELAXED);
        const bool other_process = (seen >> generation_shift) != (mine >> generation_shift);
        const bool abandoned = other_process || seen == mine;
        if ((seen == 0 || abandoned) &&
            __atomic_compare_exchange_n(&holder_, &seen, mine, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            __atomic_store_n(&stuck_, std::uint64_t{0}, __ATOMIC_RELAXED);
            return true;
        }
        if (i >= spins + yields) {
            if (seen == __atomic_load_n(&stuck_, __ATOMIC_RELAXED)) {
                return false;
            }
            const timespec nap{0, i < spins + yields + naps ? nap_ns : long_nap_ns};
            record::system_call(SYS_nanosleep, record::address_of(&nap), 0);
        } else if (i >= spins) {
            record::system_call(SYS_sched_yield);
        }
    }
    __atomic_store_n(&stuck_, seen, __ATOMIC_RELAXED);
    return false;
}

} // namespace flockstat::shim
