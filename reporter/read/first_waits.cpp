#include "reporter/read/first_waits.h"

#include "reporter/read/kernel_locks.h"

#include <algorithm>
#include <fcntl.h>
#include <optional>
#include <span>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace flockstat::reporter {
namespace {

namespace fs = std::filesystem;

bool is_unknown(const Run &run, const Waiting &waiting) {
    return waiting.lock == no_index && waiting.family != Family::ofd &&
           run.processes[waiting.process].ending == Ending::running;
}

bool is_flock(Family family) { return family == Family::flock; }

/// The line of the kernel's list that can only be this wait's; none where there is none, or lines of several
/// files are alike.
const KernelLock *line_of(const Waiting &waiting, std::int32_t pid, std::span<const KernelLock> wanted) {
    const KernelLock *found = nullptr;
    for (const KernelLock &line : wanted) {
        const bool fits = line.pid == pid && line.mode == waiting.mode &&
                          is_flock(line.family) == is_flock(waiting.family) &&
                          (is_flock(line.family) ||
                           (line.range_start == waiting.range_start && line.range_end == waiting.range_end));
        if (fits && found != nullptr && found->inode != line.inode) {
            return nullptr;
        }
        found = fits ? &line : found;
    }
    return found;
}

/// The only lock of the run that a line can be for.
std::optional<std::uint32_t> known_lock(const Run &run, const KernelLock &line) {
    std::optional<std::uint32_t> found;
    for (std::uint32_t i = 0; i < run.locks.size(); ++i) {
        const Lock &lock = run.locks[i];
        if (lock.inode == line.inode && lock.device_major == line.device_major &&
            lock.device_minor == line.device_minor && lock.family == line.family) {
            if (found) {
                return std::nullopt; // one file after the other had this number
            }
            found = i;
        }
    }
    return found;
}

/// The file that the process has open under this inode number. Its device is not compared: in the kernel's
/// list btrfs has another one.
std::optional<Lock> open_file(std::int32_t pid, const KernelLock &line) {
    std::error_code fault;
    const fs::path descriptors = "/proc/" + std::to_string(pid) + "/fd";
    for (fs::directory_iterator entry(descriptors, fault), end; !fault && entry != end;
         entry.increment(fault)) {
        struct statx facts {};
        struct statfs place {};
        const char *name = entry->path().c_str();
        if (::statx(AT_FDCWD, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_BTIME, &facts) == 0 &&
            facts.stx_ino == line.inode && S_ISREG(facts.stx_mode)) {
            Lock lock;
            lock.path = fs::read_symlink(entry->path(), fault).string();
            lock.device_major = facts.stx_dev_major;
            lock.device_minor = facts.stx_dev_minor;
            lock.inode = facts.stx_ino;
            lock.birth_seconds = facts.stx_btime.tv_sec;
            lock.birth_nanoseconds = facts.stx_btime.tv_nsec;
            lock.filesystem = ::statfs(name, &place) == 0 ? static_cast<std::uint32_t>(place.f_type) : 0;
            lock.family = line.family;
            return lock;
        }
    }
    return std::nullopt;
}

std::uint32_t add_lock(Run &run, const Lock &lock) {
    const auto same = std::ranges::find_if(run.locks, [&](const Lock &known) {
        return known.inode == lock.inode && known.device_major == lock.device_major &&
               known.device_minor == lock.device_minor && known.birth_seconds == lock.birth_seconds &&
               known.birth_nanoseconds == lock.birth_nanoseconds && known.family == lock.family;
    });
    if (same != run.locks.end()) {
        return static_cast<std::uint32_t>(same - run.locks.begin());
    }
    run.locks.push_back(lock);
    return static_cast<std::uint32_t>(run.locks.size() - 1);
}

} // namespace

void find_first_waits(Run &run) {
    if (std::ranges::none_of(run.waiting, [&](const Waiting &waiting) { return is_unknown(run, waiting); })) {
        return;
    }
    const KernelLocks locks = kernel_locks();
    for (Waiting &waiting : run.waiting) {
        if (!is_unknown(run, waiting)) {
            continue;
        }
        const std::int32_t pid = run.processes[waiting.process].pid;
        const KernelLock *line = line_of(waiting, pid, locks.wanted);
        if (line == nullptr) {
            continue;
        }
        if (const auto known = known_lock(run, *line)) {
            waiting.lock = *known;
        } else if (const auto file = open_file(pid, *line)) {
            waiting.lock = add_lock(run, *file);
        }
    }
}

} // namespace flockstat::reporter
