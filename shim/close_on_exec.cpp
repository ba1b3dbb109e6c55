#include "shim/close_on_exec.h"

#include "reporter/record/system_call.h"
#include "shim/handover.h"
#include "shim/listed_descriptors.h"
#include "shim/open_file.h"
#include "shim/proc_path.h"
#include "shim/region_end.h"

#include <fcntl.h>

namespace flockstat::shim {
namespace {

using record::system_call;

bool is_close_on_exec(int descriptor) {
    const long flags = system_call(SYS_fcntl, descriptor, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

/// Calls visit(open file, its number, closes at exec) for each known descriptor.
template<typename Visit>
void visit_descriptors(Visit visit) {
    for (int page = 0; page < max_descriptor_pages; ++page) {
        const Descriptor *entries = descriptor_pages[page];
        for (int i = 0; entries != nullptr && i < descriptors_in_page; ++i) {
            if (entries[i].open_file != nullptr) {
                const int number = page * descriptors_in_page + i;
                visit(*entries[i].open_file, number, is_close_on_exec(number));
            }
        }
    }
}

/// Calls visit(region, a piece of it) for each piece that an open file description or a file holds.
template<typename Visit>
void visit_pieces(HeldRegion *flock_region, const Extents &ranges, Visit visit) {
    if (flock_region != nullptr && flock_region->live != nullptr && is_current(*flock_region)) {
        visit(*flock_region, Range{});
    }
    for (unsigned i = 0; i < ranges.count(); ++i) {
        if (ranges[i].region->live != nullptr && is_current(*ranges[i].region)) {
            visit(*ranges[i].region, ranges[i].range);
        }
    }
}

/// Does the exec close a descriptor of a lock's file, one that nobody locked through included?
bool closes_any_of(const record::Lock &lock) {
    bool closes = false;
    (void)visit_listed_descriptors(ProcPath().add(own_folder()).add("/fd").c_str(), [&](int number) {
        closes = is_close_on_exec(number) && is_open_on(number, lock);
        return !closes;
    });
    return closes;
}

class ExecVisitor final : public HeldVisitor {
public:
    explicit ExecVisitor(ThreadState &thread) : thread_(thread) {}

    void visit(OpenFile &open_file) override {
        int survivor = -1;
        int last = -1;
        visit_descriptors([&](const OpenFile &other, int number, bool closes) {
            if (&other == &open_file) {
                last = number;
                survivor = survivor < 0 && !closes ? number : survivor;
            }
        });
        if (!open_file.lock.lock()) {
            return;
        }
        visit_pieces(open_file.flock_region, open_file.ofd, [&](HeldRegion &region, Range piece) {
            if (region.live->process == run.process_ref) {
                leave(region, piece, survivor, last, may_be_inherited(open_file));
            }
        });
        open_file.lock.unlock();
        visit_descriptors([&](const OpenFile &other, int number, bool closes) {
            if (&other == &open_file && !closes && number != survivor) {
                keep_duplicate_over_exec(number, survivor);
            }
        });
    }

    void visit(LockedFile &file) override {
        bool closes = false;
        visit_descriptors([&](const OpenFile &open_file, int, bool this_closes) {
            closes = closes || (open_file.file == &file && this_closes);
        });
        if (const auto *lock = posix_lock_of(file); !closes && lock != nullptr) {
            closes = closes_any_of(*lock);
        }
        if (!file.lock.lock()) {
            return;
        }
        visit_pieces(nullptr, file.posix, [&](const HeldRegion &region, Range piece) {
            region.live->closes_at_exec = closes ? 1 : 0;
            if (!closes) {
                keep_over_exec(region, piece, -1);
            }
        });
        file.lock.unlock();
    }

private:
    /// The record of the file's posix locks where some are held; else nullptr.
    static const record::Lock *posix_lock_of(const LockedFile &file) {
        return file.posix.empty() ? nullptr
                                  : record::resolve<record::Lock>(
                                        run.arena, file.locks[static_cast<unsigned>(Family::posix)]);
    }

    /// `survivor`: a descriptor that the new image has, or -1. `last`: any one.
    void leave(HeldRegion &region, Range piece, int survivor, int last, bool inherited) {
        region.live->closes_at_exec = survivor < 0 ? 1 : 0;
        if (survivor >= 0) {
            keep_over_exec(region, piece, survivor);
            return;
        }
        if (!inherited && region.live->holders < 2) {
            return;
        }
        const Leaving leaving = find_successor(thread_, region, last, max_listed_by_end);
        region.live->closes_at_exec = leaving == Leaving::goes_on ? 0 : 1;
        if (leaving != Leaving::goes_on) {
            region.live->holders = leaving == Leaving::ends ? 1 : 2;
        }
    }

    ThreadState &thread_;
};

} // namespace

void leave_to_next_image(ThreadState &thread) {
    ExecVisitor visitor(thread);
    visit_held(visitor);
}

} // namespace flockstat::shim
