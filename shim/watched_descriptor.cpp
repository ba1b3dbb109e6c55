#include "shim/watched_descriptor.h"

#include "reporter/record/system_call.h"
#include "shim/blocking_call.h"
#include "shim/bookkeeping.h"
#include "shim/handover.h"
#include "shim/lent_memory.h"
#include "shim/mapped_file.h"
#include "shim/open_file.h"
#include "shim/real.h"
#include "shim/twins.h"
#include "shim/watched_call.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

namespace flockstat::shim {
namespace {

/// Does another thread, or who else shares the descriptor table, go on with it when this one leaves it? Asked
/// by the links of /proc/self/task: two, and one for each thread.
bool shares_descriptors() {
    struct stat64 facts {};
    const long failed = record::system_call(SYS_newfstatat, AT_FDCWD, record::address_of("/proc/self/task"),
                                            record::address_of(&facts), 0);
    return failed == 0 && facts.st_nlink > 3;
}

/// A signal handler's calls come before what its thread is inside of, and are not known yet: each has to be
/// queued behind those before it.
bool interrupts_bookkeeping() {
    const ThreadState *thread = existing_thread_state();
    return thread != nullptr && thread->inside.is_placed();
}

/// Is dup2 about to close what other processes may have too? They are to be asked while it is open still.
bool is_shared(int descriptor, int wanted) {
    if (passing() || wanted < 0 || descriptor == wanted) {
        return false;
    }
    const OpenFile *open_file = peek_descriptor(wanted);
    const bool shared =
        anything_handed() || (open_file != nullptr && may_be_inherited(*open_file) &&
                              (open_file->flock_region != nullptr || !open_file->ofd.empty()));
    return shared && record::system_call(SYS_fcntl, descriptor, F_GETFD) >= 0; // the call will succeed
}

/// Cancelled in close: the descriptor may be open still; then its next lock call finds that out.
void cancelled(void *context) { static_cast<const WatchedClose *>(context)->done(); }

} // namespace

std::uint64_t WatchedClose::begin() {
    matters_ = true;
    start_ticks_ = start_ticks_ == 0 ? now_ticks() : start_ticks_;
    return start_ticks_;
}

WatchedClose::WatchedClose(int descriptor, const CallSite &site) : site_(site) {
    if (!passing() && descriptor >= 0 &&
        (descriptor_matters(descriptor) || interrupts_bookkeeping() || anything_handed())) {
        close(descriptor);
        start_ticks_ = now_ticks(); // the exit's duration is that of the program's call
    }
}

void WatchedClose::close(int descriptor) {
    Operation operation;
    operation.deed = Deed::close;
    operation.descriptor = descriptor;
    operation.site = site_;
    operation.start_ticks = begin();
    const Released released = apply(operation);
    if (released.lock != 0) {
        lock_ = released.lock;
        family_ = static_cast<std::uint8_t>(released.family);
    }
}

void WatchedClose::recheck() {
    Operation operation;
    operation.deed = Deed::recheck;
    operation.site = site_;
    operation.start_ticks = begin();
    const Released released = apply(operation);
    if (lock_ == 0) {
        lock_ = released.lock;
        family_ = static_cast<std::uint8_t>(released.family);
    }
}

void WatchedClose::done() const {
    if (lock_ == 0) {
        return;
    }
    Operation operation;
    operation.deed = Deed::closed;
    operation.lock = lock_;
    operation.family = static_cast<Family>(family_);
    operation.site = site_;
    operation.start_ticks = start_ticks_;
    operation.end_ticks = now_ticks();
    apply(operation);
}

int watched_close(int descriptor, const CallSite &site) {
    WatchedClose watched(descriptor, site);
    if (!watched.matters()) {
        return flockstat_next()->close(descriptor);
    }
    const int result = flockstat_close(descriptor, cancelled, &watched);
    watched.done();
    return result;
}

WatchedCloses::WatchedCloses(unsigned first, unsigned last, int flags, const CallSite &site)
    : WatchedClose(site) {
    constexpr int known_flags = CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC;
    closes_ = !passing() && first <= last && (flags & ~known_flags) == 0 &&
              (flags & CLOSE_RANGE_CLOEXEC) == 0 &&
              ((flags & CLOSE_RANGE_UNSHARE) == 0 || !shares_descriptors());
    if (!closes_) {
        return;
    }
    constexpr std::uint64_t page = descriptors_in_page;
    const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{last} + 1, page * max_descriptor_pages);
    for (std::uint64_t descriptor = first; descriptor < end; ++descriptor) {
        if (descriptor_pages[descriptor / page] == nullptr) {
            descriptor |= page - 1; // nobody locked through any of these
        } else if (peek_descriptor(static_cast<int>(descriptor)) != nullptr) {
            close(static_cast<int>(descriptor));
        }
    }
}

void WatchedCloses::done() {
    if (closes_ && files_with_posix_locks != 0) {
        recheck();
    }
    WatchedClose::done();
}

WatchedDuplicate::WatchedDuplicate(int descriptor, int wanted, const CallSite &site)
    : site_(site), descriptor_(descriptor), wanted_(wanted),
      shared_(is_shared(descriptor, wanted) ? wanted : -1, site) {
    if (!passing() && descriptor != wanted && wanted >= 0 && descriptor_matters(wanted)) {
        start_ticks_ = now_ticks();
    }
}

void WatchedDuplicate::done(int copy) const {
    shared_.done();
    if (copy < 0 || copy == descriptor_ || passing() || is_borrower()) {
        return;
    }
    is_marked_mapped(descriptor_) ? mark_mapped(copy) : clear_mapped(copy);
    if (start_ticks_ == 0 && peek_descriptor(descriptor_) == nullptr && peek_descriptor(copy) == nullptr &&
        !interrupts_bookkeeping() && !anything_handed()) {
        note_twins(descriptor_, copy);
        forget_origin(copy);
        return;
    }
    Operation operation;
    operation.deed = Deed::duplicate;
    operation.replaces = wanted_ >= 0;
    operation.descriptor = descriptor_;
    operation.other = copy;
    operation.site = site_;
    operation.end_ticks = now_ticks();
    operation.start_ticks = start_ticks_ != 0 ? start_ticks_ : operation.end_ticks;
    apply(operation);
}

void note_duplicate(int descriptor, int copy, const CallSite &site) {
    WatchedDuplicate(descriptor, -1, site).done(copy);
}

} // namespace flockstat::shim
