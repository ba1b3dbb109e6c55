#include "shim/same_description.h"

#include "reporter/record/system_call.h"
#include "shim/lock_lines.h"
#include "shim/proc_path.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

Answer compare_locks(int ours, std::int32_t pid, int theirs) {
    LockLines our_lines;
    LockLines their_lines;
    if (!our_lines.read(ours) || our_lines.empty() || !their_lines.read(pid, theirs)) {
        return Answer::unknown;
    }
    if (our_lines.text() != their_lines.text()) {
        return Answer::no;
    }
    return our_lines.exclusive() ? Answer::yes : Answer::unknown;
}

/// Where kcmp is not allowed: other files are other descriptions.
Answer compare_files(int ours, std::int32_t pid, int theirs) {
    const Answer answer = is_same_file(ours, pid, theirs);
    return answer == Answer::yes ? compare_locks(ours, pid, theirs) : answer;
}

} // namespace

Answer is_same_file(int ours, std::int32_t pid, int theirs) {
    ProcPath path;
    path.add("/proc/").add(pid).add("/fd/").add(theirs);
    struct stat64 mine {};
    struct stat64 other {};
    const long failed =
        system_call(SYS_newfstatat, AT_FDCWD, address_of(path.c_str()), address_of(&other), 0);
    if (failed == -ENOENT || failed == -ESRCH) {
        return Answer::absent;
    }
    if (failed != 0 ||
        system_call(SYS_newfstatat, ours, address_of(""), address_of(&mine), AT_EMPTY_PATH) != 0) {
        return Answer::unknown;
    }
    return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino ? Answer::yes : Answer::no;
}

Answer is_same_description(int ours, std::int32_t pid, int theirs) {
    constexpr long kcmp_file = 0; // KCMP_FILE
    const long order = system_call(SYS_kcmp, system_call(SYS_getpid), pid, kcmp_file, ours, theirs);
    if (order >= 0) {
        return order == 0 ? Answer::yes : Answer::no;
    }
    return order == -EBADF || order == -ESRCH ? Answer::absent : compare_files(ours, pid, theirs);
}

} // namespace flockstat::shim
