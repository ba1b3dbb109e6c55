#include "shim/close_on_exec.h"

#include "reporter/record/system_call.h"
#include "shim/open_file.h"

#include <fcntl.h>

namespace flockstat::shim {
namespace {

using record::system_call;

bool is_close_on_exec(int descriptor) {
    const long flags = system_call(SYS_fcntl, descriptor, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

/// Calls visit(open file, closes at exec) for each known descriptor.
template<typename Visit>
void visit_descriptors(Visit visit) {
    for (int page = 0; page < max_descriptor_pages; ++page) {
        const Descriptor *entries = descriptor_pages[page];
        for (int i = 0; entries != nullptr && i < descriptors_in_page; ++i) {
            if (entries[i].open_file != nullptr) {
                visit(*entries[i].open_file, is_close_on_exec(page * descriptors_in_page + i));
            }
        }
    }
}

void note(const HeldRegion *region, bool closes) {
    if (region != nullptr && region->live != nullptr) {
        region->live->closes_at_exec = closes ? 1 : 0;
    }
}

void note_all(const Extents &ranges, bool closes) {
    for (unsigned i = 0; i < ranges.count(); ++i) {
        note(ranges[i].region, closes);
    }
}

class ExecVisitor final : public HeldVisitor {
public:
    void visit(OpenFile &open_file) override {
        bool closes = true;
        visit_descriptors([&](const OpenFile &other, bool this_closes) {
            closes = closes && (&other != &open_file || this_closes);
        });
        if (open_file.lock.lock()) {
            note(open_file.flock_region, closes);
            note_all(open_file.ofd, closes);
            open_file.lock.unlock();
        }
    }

    void visit(LockedFile &file) override {
        bool closes = false;
        visit_descriptors([&](const OpenFile &open_file, bool this_closes) {
            closes = closes || (open_file.file == &file && this_closes);
        });
        if (file.lock.lock()) {
            note_all(file.posix, closes);
            file.lock.unlock();
        }
    }
};

} // namespace

void note_closes_at_exec() {
    ExecVisitor visitor;
    visit_held(visitor);
}

} // namespace flockstat::shim
