#include "shim/twins.h"

#include "reporter/record/system_call.h"

#include <fcntl.h>

namespace flockstat::shim {
namespace {

/// Twins with higher numbers are not noted.
constexpr int max_noted = 65536;
std::uint32_t groups[max_noted]; ///< 0: no twin
std::uint32_t groups_made = 0;
int highest = -1; ///< the highest descriptor that was ever in a group

bool can_be_noted(int descriptor) { return descriptor >= 0 && descriptor < max_noted; }

std::uint32_t group_of(int descriptor) { return __atomic_load_n(&groups[descriptor], __ATOMIC_RELAXED); }

void raise_highest(int descriptor) {
    int seen = __atomic_load_n(&highest, __ATOMIC_RELAXED);
    while (seen < descriptor && !__atomic_compare_exchange_n(&highest, &seen, descriptor, true,
                                                             __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

} // namespace

void note_twins(int descriptor, int copy) {
    if (!can_be_noted(descriptor) || !can_be_noted(copy)) {
        return;
    }
    std::uint32_t group = group_of(descriptor);
    if (group == 0) {
        group = __atomic_add_fetch(&groups_made, 1U, __ATOMIC_RELAXED);
        __atomic_store_n(&groups[descriptor], group, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&groups[copy], group, __ATOMIC_RELAXED);
    raise_highest(descriptor > copy ? descriptor : copy);
}

bool is_same_open_file(int one, int other) {
    constexpr int dupfd_query = 1027;
    const long answer = record::system_call(SYS_fcntl, one, dupfd_query, other);
    if (answer >= 0) {
        return answer == 1;
    }
    const long self = record::system_call(SYS_getpid);
    constexpr long kcmp_file = 0; // KCMP_FILE
    return record::system_call(SYS_kcmp, self, self, kcmp_file, one, other) == 0;
}

int next_twin(int descriptor, int after) {
    const std::uint32_t group = can_be_noted(descriptor) ? group_of(descriptor) : 0;
    const int last = __atomic_load_n(&highest, __ATOMIC_RELAXED);
    for (int other = after + 1; group != 0 && other <= last; ++other) {
        if (other != descriptor && group_of(other) == group) {
            return other;
        }
    }
    return -1;
}

} // namespace flockstat::shim
