#include "reporter/cli/arena_guard.h"

#include <csignal>
#include <cstdint>
#include <sys/mman.h>

namespace flockstat::cli {
namespace {

record::Mapping guarded;
volatile std::sig_atomic_t lost;
struct sigaction before;

bool is_guarded(const void *address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto base = reinterpret_cast<std::uintptr_t>(guarded.base);
    return at >= base && at - base < guarded.bytes;
}

/// Async-signal-safe: mmap is a plain system call in glibc.
void on_bus_error(int, siginfo_t *info, void *) {
    if (is_guarded(info->si_addr) &&
        mmap(guarded.base, guarded.bytes, PROT_READ | PROT_WRITE,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
        lost = 1;
    } else {
        sigaction(SIGBUS, &before, nullptr); // the faulting instruction is tried again, without us
    }
}

} // namespace

ArenaGuard::ArenaGuard(const record::Mapping &arena) {
    guarded = arena;
    lost = 0;
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, &before);
}

ArenaGuard::~ArenaGuard() { sigaction(SIGBUS, &before, nullptr); }

bool ArenaGuard::truncated() const { return lost != 0; }

} // namespace flockstat::cli
