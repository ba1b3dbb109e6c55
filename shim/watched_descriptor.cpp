#include "shim/watched_descriptor.h"

#include "shim/blocking_call.h"
#include "shim/bookkeeping.h"
#include "shim/open_file.h"
#include "shim/real.h"
#include "shim/watched_call.h"

#include <algorithm>

namespace flockstat::shim {
namespace {

/// Cancelled in close: the descriptor may be open still; then its next lock call finds that out.
void cancelled(void *context) { static_cast<const WatchedClose *>(context)->done(); }

} // namespace

WatchedClose::WatchedClose(int descriptor, const CallSite &site) : site_(site) {
    if (passing() || !descriptor_matters(descriptor)) {
        return;
    }
    matters_ = true;
    Operation operation;
    operation.deed = Deed::close;
    operation.descriptor = descriptor;
    operation.site = site;
    operation.start_ticks = now_ticks();
    const Released released = apply(operation);
    lock_ = released.lock;
    family_ = static_cast<std::uint8_t>(released.family);
    start_ticks_ = now_ticks();
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

void note_closes(unsigned first, unsigned last, const CallSite &site) {
    constexpr std::uint64_t page = descriptors_in_page;
    const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{last} + 1, page * max_descriptor_pages);
    for (std::uint64_t descriptor = first; descriptor < end; ++descriptor) {
        if (descriptor_pages[descriptor / page] == nullptr) {
            descriptor |= page - 1; // nobody locked through any of these
        } else if (peek_descriptor(static_cast<int>(descriptor)) != nullptr) {
            const WatchedClose watched(static_cast<int>(descriptor), site);
        }
    }
}

void note_duplicate(int descriptor, int copy) {
    if (passing() || (peek_descriptor(descriptor) == nullptr && peek_descriptor(copy) == nullptr)) {
        return;
    }
    Operation operation;
    operation.deed = Deed::duplicate;
    operation.descriptor = descriptor;
    operation.other = copy;
    operation.start_ticks = operation.end_ticks = now_ticks();
    apply(operation);
}

} // namespace flockstat::shim
