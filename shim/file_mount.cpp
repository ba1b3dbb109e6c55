#include "shim/file_mount.h"

#include "reporter/record/mount_line.h"
#include "shim/run.h"
#include "shim/signals_blocked.h"

namespace flockstat::shim {
namespace {

/// A second where ticks are nanoseconds, and less where they are shorter.
constexpr std::uint64_t believed_for_ticks = 1'000'000'000;

/// The mount that was looked up last: programs lock files on one network file system, if on any.
struct KnownMount {
    record::MountNumbers numbers;
    record::Ref line = 0;
    std::uint64_t seen_ticks = 0;
};

KnownMount known;
record::MountRoom room;

} // namespace

record::Ref file_mount(int descriptor, const FileIdentity &identity, std::uint32_t filesystem) {
    if (record::is_host_filesystem(filesystem)) {
        return 0;
    }
    const record::MountNumbers numbers =
        record::mount_numbers(descriptor, identity.device_major, identity.device_minor);
    const std::uint64_t now = now_ticks();
    if (!(known.numbers == numbers) || known.line == 0 || now - known.seen_ticks > believed_for_ticks) {
        const SignalsBlocked blocked; // the search has a descriptor
        const std::string_view line = record::find_mount_line(numbers, room);
        known = {numbers, line.empty() ? 0 : record::intern_string(run.arena, line), now};
    }
    return known.line;
}

} // namespace flockstat::shim
