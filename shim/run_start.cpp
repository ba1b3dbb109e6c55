/// The constructor's part of run.h: which run this process belongs to.
#include "shim/path_text.h"
#include "shim/private_memory.h"
#include "shim/run.h"
#include "shim/start_message.h"

#include "reporter/record/system_call.h"

#include <cstring>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 // Linux 4.14
#endif

extern "C" char **environ;

namespace flockstat::shim {

using record::address_of;
using record::system_call;

namespace {

constexpr std::size_t page_bytes = 4096;

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// The arguments as one text, where they lie behind one another; else (rewritten already) the first alone.
std::string_view join_arguments(int count, char **arguments) {
    if (count <= 0 || arguments[0] == nullptr) {
        return {};
    }
    const char *end = arguments[0] + std::strlen(arguments[0]);
    for (int i = 1; i < count && arguments[i] == end + 1; ++i) {
        end = arguments[i] + std::strlen(arguments[i]);
    }
    return {arguments[0], static_cast<std::size_t>(end - arguments[0])};
}

/// Is it NAME=...?
bool is_variable(std::string_view entry, std::string_view name) {
    return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

std::string_view environment_value(char **environment, std::string_view name) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        if (is_variable(entry, name)) {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

/// May files be made there, and is there room for what most runs record? (Without a limit there are 0
/// blocks.)
bool takes_arena(const char *directory) {
    struct statfs64 facts {};
    return system_call(SYS_faccessat, AT_FDCWD, address_of(directory), W_OK | X_OK) == 0 &&
           (system_call(SYS_statfs, address_of(directory), address_of(&facts)) != 0 || facts.f_blocks == 0 ||
            facts.f_bavail * static_cast<std::uint64_t>(facts.f_bsize) >= (std::uint64_t{1} << 20U));
}

std::string_view default_arena_directory(char **environment) {
    if (!run.settings.arena_directory.empty()) {
        return run.settings.arena_directory;
    }
    if (takes_arena("/dev/shm")) {
        return "/dev/shm";
    }
    const std::string_view temporary = environment_value(environment, "TMPDIR");
    return temporary.empty() || temporary.front() != '/' ? std::string_view("/tmp") : temporary;
}

/// FLOCKSTAT_DIR, or flockstat-COMMAND-PID, made absolute. False where the working directory has no path any
/// more.
[[nodiscard]] bool name_directory(std::string_view command, PathText *out) {
    const std::string_view wanted = run.settings.directory;
    if (wanted.empty() || wanted.front() != '/') {
        char here[record::max_path_bytes];
        const long bytes = system_call(SYS_getcwd, address_of(here), sizeof here);
        if (bytes <= 1 || here[0] != '/') {
            return false; // it was removed, or is out of reach
        }
        out->add({here, static_cast<std::size_t>(bytes - 1)});
        if (out->view() != "/") {
            out->add("/");
        }
    }
    if (wanted.empty()) {
        out->add("flockstat-").add(base_name(command)).add("-").add_number(system_call(SYS_getpid));
    } else {
        out->add(wanted);
    }
    return !out->overflow();
}

/// Copies globs: a program may write over its environment.
std::string_view keep_text(std::string_view text) {
    if (text.empty()) {
        return {};
    }
    auto *copy = static_cast<char *>(map_pages(text.size() + 1));
    if (copy == nullptr) {
        return {};
    }
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
}

/// Puts FLOCKSTAT_RUN into the environment, in place of what it said, so that descendants join: a new array,
/// as setenv would make it, without malloc.
bool publish_identity(char **environment) {
    std::size_t count = 0;
    while (environment != nullptr && environment[count] != nullptr) {
        ++count;
    }
    auto **fresh = static_cast<char **>(map_pages((count + 2) * sizeof(char *)));
    if (fresh == nullptr) {
        return false;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!is_variable(environment[i], record::run_variable)) {
            fresh[kept++] = environment[i];
        }
    }
    fresh[kept] = run.identity_text;
    environ = fresh;
    return true;
}

/// Writes run.identity into identity_text, with the variable's name, and lets its views point there.
bool keep_identity(const record::RunIdentity &identity) {
    std::memcpy(run.identity_text, record::run_variable, sizeof record::run_variable - 1);
    char *value = run.identity_text + sizeof record::run_variable;
    value[-1] = '=';
    return record::write_run_identity(identity, value) && record::read_run_identity(value, &run.identity);
}

/// The first process of a bare preload makes up the run's identity.
bool found_run(std::string_view command, char **environment) {
    PathText directory;
    if (!name_directory(command, &directory)) {
        say("nothing is recorded: the working directory is gone; set FLOCKSTAT_DIR to an absolute path");
        return false;
    }
    record::RunIdentity identity;
    if (system_call(SYS_getrandom, address_of(&identity.run_id), sizeof identity.run_id, 0) !=
        static_cast<long>(sizeof identity.run_id)) {
        identity.run_id = record::monotonic_ns() * 0x9E3779B97F4A7C15U ^
                          static_cast<std::uint64_t>(system_call(SYS_getpid));
    }
    identity.first_pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    const record::HostText host = record::own_host();
    identity.host = host.view();
    identity.arena_directory = default_arena_directory(environment);
    identity.directory = directory.view();
    return keep_identity(identity) && publish_identity(environment);
}

/// A page that a child finds zeroed. Without it (an old kernel) children are told apart by their pid, see
/// is_same_process().
void make_fork_page() {
    void *page = map_pages(page_bytes);
    if (page == nullptr) {
        return;
    }
    if (system_call(SYS_madvise, address_of(page), page_bytes, MADV_WIPEONFORK) != 0) {
        unmap_pages(page, page_bytes);
        return;
    }
    run.fork_page = static_cast<ForkPage *>(page);
    run.fork_page->generation = run.generation;
}

/// Descendants of a process that cannot record are to stay silent: they join a run that there is not.
void publish_no_run(char **environment) {
    constexpr std::string_view nothing = "FLOCKSTAT_RUN=none";
    nothing.copy(run.identity_text, nothing.size());
    (void)publish_identity(environment);
}

/// Reads the settings, and joins the run that the environment names, or founds one. False where nothing is to
/// be recorded.
bool choose_run(std::string_view command, char **environment) {
    const std::string_view identity = environment_value(environment, record::run_variable);
    const bool joins = !identity.empty();
    const unsigned complaints =
        record::parse_settings(environment, &run.settings, [&](std::string_view complaint) {
            if (!joins) {
                say(complaint);
            }
        });
    run.probe = run.settings.probe;
    run.stacks = run.settings.stacks;
    run.settings.include = keep_text(run.settings.include);
    run.settings.exclude = keep_text(run.settings.exclude);
    record::RunIdentity given;
    const bool usable = joins ? record::read_run_identity(identity, &given) && keep_identity(given)
                              : complaints == 0 && found_run(command, environment);
    if (!usable && !joins) {
        publish_no_run(environment);
    }
    const auto pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    run.first_process = usable && (run.identity.first_pid == pid || run.identity.first_pid == -pid);
    run.joins_elsewhere = run.first_process && run.identity.first_pid < 0; // before an exec
    return usable;
}

/// The run began on another host, and a launcher brought its environment here: this host gets a recording of
/// its own, whose first process is this one, or one that was started like it. False where the run is of this
/// host.
bool join_elsewhere(char **environment) {
    const record::HostText host = record::own_host();
    record::RunIdentity identity;
    if (!record::read_run_identity(environment_value(environment, record::run_variable), &identity) ||
        identity.host.empty() || identity.host == host.view()) {
        return false;
    }
    identity.host = host.view();
    identity.first_pid = -static_cast<std::int32_t>(system_call(SYS_getpid));
    run.first_process = run.joins_elsewhere = keep_identity(identity) && publish_identity(environment);
    return run.joins_elsewhere;
}

} // namespace

void start_run(int argument_count, char **arguments, char **environment) {
    run.command_line = join_arguments(argument_count, arguments);
    Attachment outcome = Attachment::off;
    if (getauxval(AT_SECURE) == 0 && choose_run(argument_count > 0 ? arguments[0] : "program", environment)) {
        make_fork_page();
        run.job_bytes = record::copy_job_variables(environment, run.job_text);
        outcome = open_existing_arena();
        if (outcome != Attachment::attached && join_elsewhere(environment)) {
            outcome = open_existing_arena();
        }
    }
    __atomic_store(&run.attachment, &outcome, __ATOMIC_RELEASE);
}

} // namespace flockstat::shim
