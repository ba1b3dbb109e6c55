#include "reporter/record/mount_line.h"

#include "reporter/record/arena_view.h"
#include "reporter/record/chain.h"
#include "reporter/record/system_call.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U // Linux 5.8
#endif

namespace flockstat::record {
namespace {

/// linux/magic.h, and fs/xfs, fs/f2fs, OpenZFS. An overlay's locks are those of the overlay, whatever lies
/// under it.
constexpr std::array<std::uint32_t, 12> host_filesystems = {
    0xEF53,     // ext2, ext3, ext4
    0x58465342, // xfs
    0x9123683E, // btrfs
    0x01021994, // tmpfs
    0x794C7630, // overlay
    0x2FC12FC1, // zfs
    0xF2F52010, // f2fs
    0x858458F6, // ramfs
    0x4D44,     // vfat
    0x2011BAB0, // exfat
    0x52654973, // reiserfs
    0x9FA0,     // proc
};

/// The number at `*at`, which moves behind it and the character that follows it; no_number where there is
/// none.
constexpr std::uint64_t no_number = UINT64_MAX;
std::uint64_t read_number(std::string_view *text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
    if (parsed.ec != std::errc()) {
        return no_number;
    }
    const auto bytes = static_cast<std::size_t>(parsed.ptr - text->data());
    text->remove_prefix(std::min(text->size(), bytes + 1));
    return number;
}

/// Of the calling thread: the process's first one may have ended, and each may have mounts of its own.
long open_mounts() {
    for (const char *path : {"/proc/thread-self/mountinfo", "/proc/self/mountinfo"}) { // Linux 3.17
        const long file = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
        if (file != -ENOENT) {
            return file;
        }
    }
    return -ENOENT;
}

} // namespace

bool is_host_filesystem(std::uint32_t type) {
    return std::find(host_filesystems.begin(), host_filesystems.end(), type) != host_filesystems.end();
}

bool MountSearch::feed(std::string_view piece) {
    while (!piece.empty() && !found_itself_) {
        const std::size_t end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        const std::size_t room = sizeof room_.line - line_bytes_;
        line_bytes_ += part.copy(room_.line + line_bytes_, room);
        if (end == std::string_view::npos) {
            return false;
        }
        take_line();
        piece.remove_prefix(end + 1);
    }
    return found_itself_;
}

/// ID PARENT MAJOR:MINOR ROOT ...
void MountSearch::take_line() {
    const std::string_view line(room_.line, line_bytes_);
    std::string_view rest = line;
    line_bytes_ = 0;
    const std::uint64_t id = read_number(&rest);
    const std::uint64_t parent = read_number(&rest);
    const std::uint64_t major = read_number(&rest);
    const std::uint64_t minor = read_number(&rest);
    if (id == no_number || parent == no_number) {
        return;
    }
    found_itself_ = wanted_.mount_id != 0 && id == wanted_.mount_id;
    if (found_itself_ || (major == wanted_.device_major && minor == wanted_.device_minor)) {
        found_bytes_ = line.copy(room_.found, sizeof room_.found);
    }
}

MountNumbers mount_numbers(int descriptor, std::uint32_t device_major, std::uint32_t device_minor) {
    MountNumbers numbers{.device_major = device_major, .device_minor = device_minor};
    struct statx facts {};
    if (system_call(SYS_statx, descriptor, address_of(""), AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID,
                    address_of(&facts)) == 0 &&
        (facts.stx_mask & STATX_MNT_ID) != 0) {
        numbers.mount_id = facts.stx_mnt_id;
    }
    return numbers;
}

std::string_view find_mount_line(const MountNumbers &wanted, MountRoom &room) {
    const long file = open_mounts();
    if (file < 0) {
        return {};
    }
    MountSearch search(wanted, room);
    char piece[1024];
    long bytes = 0;
    while ((bytes = system_call(SYS_read, file, address_of(piece), sizeof piece)) > 0 || bytes == -EINTR) {
        if (bytes > 0 && search.feed({piece, static_cast<std::size_t>(bytes)})) {
            break;
        }
    }
    system_call(SYS_close, file);
    return search.found();
}

void complete_mounts(const Mapping &arena, MountRoom &room) {
    MountNumbers known;
    Ref line = 0;
    const ArenaView view(arena.base, arena.bytes);
    view.for_table<Lock>(view.header().lock_heads, [&](Ref ref, const Lock &seen) {
        auto *lock = resolve<Lock>(arena, ref);
        if (lock == nullptr || seen.mount != 0 || is_host_filesystem(seen.filesystem)) {
            return;
        }
        const MountNumbers numbers{.device_major = seen.device_major, .device_minor = seen.device_minor};
        if (line == 0 || !(known == numbers)) {
            const std::string_view text = find_mount_line(numbers, room);
            known = numbers;
            line = text.empty() ? 0 : intern_string(arena, text);
        }
        __atomic_store_n(&lock->mount_of_another, 1U, __ATOMIC_RELAXED);
        __atomic_store_n(&lock->mount, line, __ATOMIC_RELEASE);
    });
}

} // namespace flockstat::record
