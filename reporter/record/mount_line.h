/// The line of /proc/self/mountinfo (man 5 proc) that tells of a file's mount: which file system it lies on,
/// and, of network file systems, whose. Allocates nothing; async-signal-safe; raw system calls.
#pragma once

#include "reporter/record/arena_file.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flockstat::record {

/// Where a file lies, as the kernel numbers it.
struct MountNumbers {
    std::uint64_t mount_id = 0; ///< statx stx_mnt_id (Linux 5.8), the first field; 0: not known
    std::uint32_t device_major = 0, device_minor = 0; ///< st_dev, the third field

    friend bool operator==(const MountNumbers &, const MountNumbers &) = default;
};

/// Longer lines are cut there: the options of the file system come last.
inline constexpr std::size_t max_mount_line_bytes = 4096;

/// Can the file system of this statfs f_type only be the host's own? Asked to spare the search: a file system
/// that is not known here may be anything.
[[nodiscard]] bool is_host_filesystem(std::uint32_t type);

/// Room for a search: too much for the stack of a signal handler.
struct MountRoom {
    char line[max_mount_line_bytes];  ///< the one that is being read
    char found[max_mount_line_bytes]; ///< the best one so far
};

/// Searches the text of a mountinfo that comes in pieces.
class MountSearch {
public:
    MountSearch(const MountNumbers &wanted, MountRoom &room) : wanted_(wanted), room_(room) {}

    /// The next piece. True once the mount itself was found: what follows is of no use.
    bool feed(std::string_view piece);

    /// The line, without its end: of the mount itself, else of one of the same device; else empty. (A file of
    /// btrfs has another device number than its mount.) It points into the room.
    [[nodiscard]] std::string_view found() const { return {room_.found, found_bytes_}; }

private:
    void take_line();

    MountNumbers wanted_;
    MountRoom &room_;
    std::size_t line_bytes_ = 0, found_bytes_ = 0;
    bool found_itself_ = false;
};

/// The numbers of an open file's mount. Without the id where the kernel does not tell it.
[[nodiscard]] MountNumbers mount_numbers(int descriptor, std::uint32_t device_major,
                                         std::uint32_t device_minor);

/// Looks the mount up in /proc/self/mountinfo. Empty where that does not tell.
[[nodiscard]] std::string_view find_mount_line(const MountNumbers &wanted, MountRoom &room);

/// Gives the arena's locks that have none the line of their device's mount as this process sees it: their own
/// process may have had no /proc, or a root that the mount is outside of. Any process; when the run ends.
void complete_mounts(const Mapping &arena, MountRoom &room);

} // namespace flockstat::record
