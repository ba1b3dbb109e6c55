#include "shim/lock_call.h"

#include <cerrno>
#include <unistd.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

namespace flockstat::shim {

// On 64-bit machines the commands with and without "64" are the same numbers.
static_assert(F_SETLK == F_SETLK64 && F_SETLKW == F_SETLKW64 && F_GETLK == F_GETLK64);

namespace {

LockCall range_call(Family family) {
    LockCall call;
    call.action = Action::range;
    call.family = family;
    return call;
}

LockCall waiting_range_call(Family family, int nonblocking) {
    LockCall call = range_call(family);
    call.may_block = true;
    call.cancellation_point = true;
    call.nonblocking = nonblocking;
    return call;
}

LockCall test_call(Family family) {
    LockCall call;
    call.action = Action::test;
    call.family = family;
    return call;
}

} // namespace

LockCall decode_fcntl(int command) {
    switch (command) {
    case F_SETLK: return range_call(Family::posix);
    case F_SETLKW: return waiting_range_call(Family::posix, F_SETLK);
    case F_GETLK: return test_call(Family::posix);
    case F_OFD_SETLK: return range_call(Family::ofd);
    case F_OFD_SETLKW: return waiting_range_call(Family::ofd, F_OFD_SETLK);
    case F_OFD_GETLK: return test_call(Family::ofd);
    default: return {};
    }
}

LockCall decode_lockf(int function) {
    LockCall call;
    call.family = Family::posix;
    call.action = Action::attempt;
    switch (function) {
    case F_LOCK:
        call.may_block = true;
        call.cancellation_point = true;
        call.nonblocking = F_TLOCK;
        break;
    case F_ULOCK: call.action = Action::unlock; break;
    case F_TEST: call.action = Action::test; break;
    default: break; // F_TLOCK, and what libc refuses
    }
    return call;
}

Outcome outcome_of(int error, Family family) {
    switch (error) {
    case 0: return Outcome::granted;
    case EAGAIN: // EWOULDBLOCK is the same number
        return Outcome::refused;
    case EACCES: return family == Family::flock ? Outcome::failed : Outcome::refused;
    case EINTR: return Outcome::interrupted;
    case EDEADLK: return Outcome::deadlocked;
    default: return Outcome::failed;
    }
}

} // namespace flockstat::shim
