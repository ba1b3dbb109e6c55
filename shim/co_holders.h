/// Which other process has the same open file description. Called inside the bookkeeping, for descriptors
/// that are still open; async-signal-safe, errno untouched.
#pragma once

#include "shim/held_region.h"
#include "shim/run.h"
#include "shim/same_description.h"

namespace flockstat::shim {

/// Another process and its descriptor of the same open file description.
struct CoHolder {
    std::int32_t pid = 0;
    int descriptor = -1;
};

/// Looks for another process that has the open file description of a region and of our descriptor `ours`: in
/// the parent and in all processes of the run that can have it, under any number. Those that said that they
/// end do not count. Unknown also where none has a descriptor, but something else may keep the lock: a
/// mapping, a message.
///
/// What it costs: a kcmp for each process first, then one for each of its descriptors, or a list of them
/// where there are numbers from 32 on. Processes are left out that were there already when this one had
/// opened the file and had no child since (OpenFile::alone_ticks): what remains are its later children, but
/// for descriptors that it inherited. At most `max_listed` processes have all their descriptors looked at;
/// where there are more the answer may be unknown.
[[nodiscard]] Answer find_co_holder(int ours, const HeldRegion &region, unsigned max_listed, CoHolder *out);

/// In a close, which somebody waits for, and after which the kernel can be asked otherwise (doubtful_close):
/// some milliseconds. At an exit or exec it is the last chance.
inline constexpr unsigned max_listed_by_close = 64;
inline constexpr unsigned max_listed_by_end = ~0U;

/// The number under which a process has our descriptor's open file description; -1 where it has not, or that
/// cannot be asked.
[[nodiscard]] int find_number(int ours, std::int32_t pid);

} // namespace flockstat::shim
