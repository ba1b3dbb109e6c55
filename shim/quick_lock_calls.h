/// What quick_call (watched_call.h) has to know of each lock function: which commands are plain lock and
/// unlock requests, what they mean, and how one that was granted at once is counted.
#pragma once

#include "reporter/record/system_call.h"
#include "shim/watched_call.h"

#include <unistd.h>

namespace flockstat::shim {

struct FlockCalls {
    static bool is_plain(int operation) {
        constexpr unsigned plain =
            (1U << LOCK_SH | 1U << LOCK_EX | 1U << LOCK_UN) * (1U | 1U << LOCK_NB); // LOCK_NB: four bits on
        static_assert(plain == 0x1166);
        return static_cast<unsigned>(operation) < 16 && (plain >> operation & 1U) != 0;
    }
    static LockCall decode(int operation) { return decode_flock(operation); }
    static bool may_block(int operation) { return operation < LOCK_NB; }
    static int nonblocking(int operation) { return operation | LOCK_NB; }
    static bool is_cancellation_point(int) { return false; }

    [[gnu::always_inline]] static bool count(ThreadState &thread, const flockstat_request &request,
                                             QuickCall call, const CallSite &site) {
        call.kind = request.command >= LOCK_UN         ? record::LeafKind::release
                    : (request.command & LOCK_SH) != 0 ? record::LeafKind::acquire_shared
                                                       : record::LeafKind::acquire_exclusive;
        return count_quickly<Family::flock>(thread, call, site);
    }
};

/// fcntl's commands of one family. The caller's struct is read after the kernel took it.
template<Family family, int set, int set_or_wait>
struct RangeCalls {
    static bool is_plain(int command) { return command == set || command == set_or_wait; }
    static LockCall decode(int command) { return decode_fcntl(command); }
    static bool may_block(int command) { return command == set_or_wait; }
    static int nonblocking(int) { return set; }
    static bool is_cancellation_point(int command) { return command == set_or_wait; }

    [[gnu::always_inline]] static bool count(ThreadState &thread, const flockstat_request &request,
                                             QuickCall call, const CallSite &site) {
        const auto &asked = *static_cast<const struct flock *>(request.pointer);
        call.kind = asked.l_type == F_UNLCK   ? record::LeafKind::release
                    : asked.l_type == F_RDLCK ? record::LeafKind::acquire_shared
                                              : record::LeafKind::acquire_exclusive;
        return asked.l_whence == SEEK_SET && decode_range(0, asked.l_start, asked.l_len, &call.range) &&
               count_quickly<family>(thread, call, site);
    }
};
using PosixCalls = RangeCalls<Family::posix, F_SETLK, F_SETLKW>;
using OfdCalls = RangeCalls<Family::ofd, F_OFD_SETLK, F_OFD_SETLKW>;

struct LockfCalls {
    static bool is_plain(int function) {
        return function == F_LOCK || function == F_TLOCK || function == F_ULOCK;
    }
    static LockCall decode(int function) { return decode_lockf(function); }
    static bool may_block(int function) { return function == F_LOCK; }
    static int nonblocking(int) { return F_TLOCK; }
    static bool is_cancellation_point(int function) { return function == F_LOCK; }

    [[gnu::always_inline]] static bool count(ThreadState &thread, const flockstat_request &request,
                                             QuickCall call, const CallSite &site) {
        call.kind =
            request.command == F_ULOCK ? record::LeafKind::release : record::LeafKind::acquire_exclusive;
        const std::int64_t position = record::system_call(SYS_lseek, request.descriptor, 0, SEEK_CUR);
        return position >= 0 && decode_range(position, 0, request.length, &call.range) &&
               count_quickly<Family::posix>(thread, call, site);
    }
};

} // namespace flockstat::shim
