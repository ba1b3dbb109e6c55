#include "shim/doubtful_close.h"

#include "shim/lock_lines.h"
#include "shim/lock_list.h"
#include "shim/region_end.h"

namespace flockstat::shim {

bool put_in_doubt(ThreadState &thread, HeldRegion &region, int descriptor, std::uint64_t end_ticks) {
    LockLines lines;
    if (region.live == nullptr || !lines.read(descriptor)) {
        return false;
    }
    const std::string_view line = lines.first_of(region.family == Family::flock ? "FLOCK" : "OFDLCK");
    region.listed_with = listed_with(line);
    if (line.empty() || region.listed_with < 0) {
        return false;
    }
    region.line_hash = hash_lock_line(line);
    region.left_ticks = end_ticks;
    region.next = thread.in_doubt;
    thread.in_doubt = &region;
    return true;
}

void settle_doubts(ThreadState &thread) {
    HeldRegion *region = thread.in_doubt;
    thread.in_doubt = nullptr;
    while (region != nullptr) {
        HeldRegion *next = region->next;
        if (region->live->process != run.process_ref) {
            drop_region(thread, region, false); // somebody who has it took it into his care meanwhile
        } else {
            const bool gone = is_listed(region->line_hash, region->listed_with) == Answer::no;
            (void)end_region(thread, region, gone ? record::Release::close : record::Release::unknown,
                             region->left_ticks);
        }
        region = next;
    }
}

} // namespace flockstat::shim
