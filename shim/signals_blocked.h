/// No signal handler runs in the calling thread for a moment.
#pragma once

#include "reporter/record/system_call.h"

#include <csignal>

namespace flockstat::shim {

/// Where what a handler may leave by siglongjmp would be missed for ever: a descriptor, a mapping, a claim
/// that others wait for. Signals are delivered at the end, as if what is in between had been one system call.
/// Where a seccomp filter refuses the call they come as they come. Async-signal-safe, errno untouched.
class SignalsBlocked {
public:
    SignalsBlocked() {
        const std::uint64_t all = UINT64_MAX; // but SIGKILL and SIGSTOP, says the kernel
        blocked_ = record::system_call(SYS_rt_sigprocmask, SIG_SETMASK, record::address_of(&all),
                                       record::address_of(&before_), sizeof all) == 0;
    }
    ~SignalsBlocked() {
        if (blocked_) {
            record::system_call(SYS_rt_sigprocmask, SIG_SETMASK, record::address_of(&before_), 0,
                                sizeof before_);
        }
    }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    std::uint64_t before_ = 0; ///< the kernel's sigset_t
    bool blocked_ = false;
};

} // namespace flockstat::shim
