#include "shim/spin_lock.h"

#include "reporter/record/system_call.h"
#include "shim/thread_state.h"

namespace flockstat::shim {
namespace {

constexpr unsigned generation_shift = 48; // user addresses have 47 bits
constexpr unsigned spins = 1000;
constexpr unsigned yields = 1000;

} // namespace

std::uint64_t lock_holder_name() {
    // A thread without state yet is at its very first call, and alone in holding what it holds.
    const auto thread = reinterpret_cast<std::uintptr_t>(existing_thread_state());
    return (std::uint64_t{run.generation} << generation_shift) | (thread != 0 ? thread : 1U);
}

bool SpinLock::lock() {
    const std::uint64_t mine = lock_holder_name();
    for (unsigned i = 0; i < spins + yields; ++i) {
        std::uint64_t seen = __atomic_load_n(&holder_, __ATOMIC_RELAXED);
        const bool abandoned =
            (seen >> generation_shift) != (mine >> generation_shift) || (seen == mine && (mine & 1U) == 0);
        if ((seen == 0 || abandoned) &&
            __atomic_compare_exchange_n(&holder_, &seen, mine, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return true;
        }
        if (i >= spins) {
            record::system_call(SYS_sched_yield);
        }
    }
    return false;
}

} // namespace flockstat::shim
