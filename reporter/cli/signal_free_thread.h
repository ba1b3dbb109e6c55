/// Threads of the command that leave signals to the main thread.
#pragma once

#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

namespace flockstat::cli {

/// Runs `body` in a thread that no signal is delivered to, but SIGBUS, which it brings on itself: ArenaGuard.
template<typename Body>
[[nodiscard]] std::jthread start_signal_free_thread(Body body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &all, &before); // a thread begins with its maker's mask
    std::jthread thread(std::move(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace flockstat::cli
