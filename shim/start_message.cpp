#include "shim/start_message.h"

#include "reporter/record/settings.h"
#include "reporter/record/system_call.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

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

void add_error(record::ShortLine *line, int error) {
    const std::string_view known = error_text(error);
    if (known.empty()) {
        line->add("error ").add_number(static_cast<std::uint64_t>(error));
    } else {
        line->add(known);
    }
}

/// As the kernel has signal sets: a bit a signal.
constexpr std::uint64_t set_of(int signal) { return std::uint64_t{1} << (signal - 1); }

/// The program's stderr may be a pipe without a reader or a file at the limit of file sizes: a write there
/// raises SIGPIPE or SIGXFSZ, which kill. Both are blocked meanwhile, and the one that this write raised is
/// taken back.
void write_to_stderr(std::string_view text) {
    using record::address_of;
    using record::system_call;
    const std::uint64_t deadly = set_of(SIGPIPE) | set_of(SIGXFSZ);
    std::uint64_t blocked = 0;
    std::uint64_t pending = 0;
    system_call(SYS_rt_sigprocmask, SIG_BLOCK, address_of(&deadly), address_of(&blocked), sizeof deadly);
    system_call(SYS_rt_sigpending, address_of(&pending), sizeof pending);
    const long written = system_call(SYS_write, 2, address_of(text.data()), static_cast<long>(text.size()));
    const std::uint64_t raised = written == -EPIPE   ? set_of(SIGPIPE)
                                 : written == -EFBIG ? set_of(SIGXFSZ)
                                                     : 0;
    if (const std::uint64_t ours = raised & ~pending; ours != 0) {
        const timespec at_once{};
        system_call(SYS_rt_sigtimedwait, address_of(&ours), 0, address_of(&at_once), sizeof ours);
    }
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&blocked), 0, sizeof blocked);
}

} // namespace

void say(std::string_view text) {
    record::ShortLine line;
    line.add("flockstat: ").add(text.substr(0, 480)).add("\n");
    write_to_stderr(line.view());
}

void say_no_summary(std::string_view directory, int error) {
    record::ShortLine line;
    line.add("cannot write the summary to ").add_foreign(directory).add(": ");
    add_error(&line, error);
    line.add("; what was recorded is kept, so make room and run: flockstat report ").add_foreign(directory);
    say(line.view());
}

void say_lost_summary(std::string_view directory, int error) {
    record::ShortLine line;
    line.add("what this host's processes did is lost: cannot write to ").add_foreign(directory).add(": ");
    add_error(&line, error);
    say(line.view());
}

void say_not_recording(std::string_view what, int error) {
    record::ShortLine line;
    line.add("nothing is recorded: ").add_foreign(what).add(": ");
    add_error(&line, error);
    line.add(remedy(error));
    say(line.view());
}

} // namespace flockstat::shim
