/// Functions that pass descriptors on to other processes, or take them, as the program calls them.
#include "shim/export.h"
#include "shim/kept_files.h"
#include "shim/real.h"
#include "shim/thread_state.h"
#include "shim/watched_call.h"

#include <cstring>

using namespace flockstat::shim;

namespace {

/// Notes the descriptors of a message that the kernel has taken or filled: its fields can be read.
[[gnu::noinline]] void note_descriptors(const msghdr &message) {
    msghdr copy = message;
    for (cmsghdr *part = CMSG_FIRSTHDR(&copy); part != nullptr; part = CMSG_NXTHDR(&copy, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
            note_passed(descriptor);
        }
    }
}

void look_at(const msghdr *message, long result) {
    if (result >= 0 && message->msg_controllen != 0 && !passing()) {
        note_descriptors(*message);
    }
}

void look_at(const mmsghdr *messages, int result) {
    for (int i = 0; i < result; ++i) {
        look_at(&messages[i].msg_hdr, 0);
    }
}

} // namespace

FLOCKSTAT_EXPORT ssize_t sendmsg(int socket, const msghdr *message, int flags) {
    const ssize_t result = flockstat_next()->sendmsg(socket, message, flags);
    look_at(message, result);
    return result;
}

FLOCKSTAT_EXPORT ssize_t recvmsg(int socket, msghdr *message, int flags) {
    const ssize_t result = flockstat_next()->recvmsg(socket, message, flags);
    look_at(message, result);
    return result;
}

FLOCKSTAT_EXPORT int sendmmsg(int socket, mmsghdr *messages, unsigned count, int flags) {
    const int result = flockstat_next()->sendmmsg(socket, messages, count, flags);
    look_at(messages, result);
    return result;
}

FLOCKSTAT_EXPORT int recvmmsg(int socket, mmsghdr *messages, unsigned count, int flags, timespec *timeout) {
    const int result = flockstat_next()->recvmmsg(socket, messages, count, flags, timeout);
    look_at(messages, result);
    return result;
}

FLOCKSTAT_EXPORT int pidfd_getfd(int process, int descriptor, unsigned flags) noexcept {
    const int copy = flockstat_next()->pidfd_getfd(process, descriptor, flags);
    if (copy >= 0 && !passing()) {
        note_passed(copy);
    }
    return copy;
}
