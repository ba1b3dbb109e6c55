#include "shim/start_message.h"

#include "reporter/record/settings.h"
#include "reporter/record/system_call.h"

#include <cerrno>
#include <cstring>

namespace flockstat::shim {
namespace {

/// strerror is not async-signal-safe, and translates.
std::string_view error_text(int error) {
    switch (error) {
    case EACCES: return "permission denied";
    case EPERM: return "it belongs to another user";
    case EROFS: return "the file system is read-only";
    case ENOENT: return "no such directory";
    case ENOTDIR: return "a part of the path is no directory";
    case ENOSPC: return "no space left";
    case EDQUOT: return "disk quota exceeded";
    case EFBIG: return "the limit of file sizes is lower than the arena";
    case EMFILE: return "no file descriptor left";
    case ENFILE: return "no file descriptor left in the system";
    case ENOMEM: return "no memory";
    case EINVAL: return "the arena is not one of this version";
    case ENAMETOOLONG: return "the path is too long";
    default: return {};
    }
}

std::string_view remedy(int error) {
    switch (error) {
    case ENOSPC:
    case ENOMEM:
    case EFBIG:
        return "; set FLOCKSTAT_ARENA_MIB to less, or FLOCKSTAT_ARENA_DIR and FLOCKSTAT_DIR to directories "
               "with room";
    case EMFILE:
    case ENFILE: return "; raise the limit of open files";
    default: return "; set FLOCKSTAT_DIR and FLOCKSTAT_ARENA_DIR to directories that can be written";
    }
}

} // namespace

void say(std::string_view text) {
    record::ShortLine line;
    line.add("flockstat: ").add(text.substr(0, 480)).add("\n");
    record::system_call(SYS_write, 2, record::address_of(line.view().data()),
                        static_cast<long>(line.view().size()));
}

void say_not_recording(std::string_view what, int error) {
    record::ShortLine line;
    line.add("nothing is recorded: ").add_foreign(what).add(": ");
    const std::string_view known = error_text(error);
    if (known.empty()) {
        line.add("error ").add_number(static_cast<std::uint64_t>(error));
    } else {
        line.add(known);
    }
    line.add(remedy(error));
    say(line.view());
}

} // namespace flockstat::shim
