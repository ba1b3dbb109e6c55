#include "shim/run_arena.h"

#include "reporter/record/system_call.h"
#include "shim/own_descriptor.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>

namespace flockstat::shim {

using record::address_of;
using record::system_call;

namespace {

struct ArenaPath {
    ArenaPath() { record::write_arena_path(run.identity, text); }
    char text[record::max_arena_path_bytes];
};

/// The path DIR/run.flk, or DIR/run.NUMBER.flk. False where it is too long.
bool name_link(int number, PathText *path, PathText *name) {
    name->add("run.");
    if (number > 1) {
        name->add_number(number).add(".");
    }
    name->add("flk");
    path->add(run.identity.directory).add("/").add(name->view());
    return !path->overflow();
}

constexpr int max_runs_in_directory = 10'000;

/// Puts a link to the live arena where the end of the run puts its copy.
int link_arena() {
    const ArenaPath arena;
    for (int number = 1; number <= max_runs_in_directory; ++number) {
        PathText link;
        PathText name;
        if (!name_link(number, &link, &name)) {
            return ENAMETOOLONG;
        }
        const long failed =
            system_call(SYS_symlinkat, address_of(arena.text), AT_FDCWD, address_of(link.c_str()));
        if (failed != -EEXIST) {
            return static_cast<int>(-failed);
        }
    }
    return EEXIST;
}

constexpr std::size_t max_command_bytes = 4096;

/// The command line of the run's first process, which need not be the one that makes the arena. `room` has
/// max_command_bytes.
std::string_view first_command(char *room) {
    if (run.first_process) {
        return run.command_line;
    }
    PathText path;
    path.add("/proc/").add_number(std::abs(run.identity.first_pid)).add("/cmdline");
    const OwnDescriptor file(path.c_str());
    if (file.number() < 0) {
        return run.command_line;
    }
    const long bytes = system_call(SYS_read, file.number(), address_of(room), max_command_bytes);
    return bytes > 1 ? std::string_view(room, static_cast<std::size_t>(bytes - 1)) : run.command_line;
}

record::NewArena wanted_arena(char *room) {
    record::NewArena wanted;
    wanted.run = run.identity;
    wanted.bytes = run.settings.arena_mib << 20U;
    wanted.options = (run.stacks ? 0U : record::option_stacks_off) |
                     (run.probe ? 0U : record::option_probe_off) |
                     (run.settings.all_users ? record::option_all_users : 0U);
    wanted.command = first_command(room);
    wanted.first_pid = std::abs(run.identity.first_pid);
    wanted.all_users = run.settings.all_users;
    return wanted;
}

/// Makes the run's directory, where it is not there. Returns 0 or an errno.
int make_directory() {
    PathText directory;
    directory.add(run.identity.directory);
    const long made = system_call(SYS_mkdirat, AT_FDCWD, address_of(directory.c_str()),
                                  run.settings.all_users ? 0777 : 0700);
    return made == -EEXIST ? 0 : static_cast<int>(-made);
}

bool find_link(PathText *name) {
    const ArenaPath arena;
    for (int number = 1; number <= max_runs_in_directory; ++number) {
        PathText link;
        PathText candidate;
        char target[sizeof arena.text];
        if (!name_link(number, &link, &candidate)) {
            return false;
        }
        const long bytes = system_call(SYS_readlinkat, AT_FDCWD, address_of(link.c_str()), address_of(target),
                                       sizeof target);
        if (bytes == -ENOENT) {
            return false;
        }
        if (bytes > 0 && std::string_view(target, static_cast<std::size_t>(bytes)) == arena.text) {
            name->add(candidate.view());
            return true;
        }
    }
    return false;
}

} // namespace

void remove_arena_file() {
    const ArenaPath arena;
    system_call(SYS_unlinkat, AT_FDCWD, address_of(arena.text), 0);
}

bool find_arena_link(PathText *name) {
    if (find_link(name)) {
        return true;
    }
    const ArenaPath arena;
    return system_call(SYS_faccessat, AT_FDCWD, address_of(arena.text), W_OK) == 0 && make_directory() == 0 &&
           link_arena() == 0 && find_link(name);
}

int open_or_create_arena(std::string_view *what) {
    *what = run.identity.arena_directory;
    int fault = record::open_arena(run.identity, &run.arena);
    if (fault != ENOENT) {
        return fault;
    }
    if (run.identity.first_pid == 0) {
        return ENOENT; // `flockstat run` made one, and removed it: that run is over
    }
    *what = run.identity.directory;
    if (const int failed = make_directory(); failed != 0) {
        return failed;
    }
    PathText directory;
    directory.add(run.identity.directory);
    if (const long refused = system_call(SYS_faccessat, AT_FDCWD, address_of(directory.c_str()), W_OK | X_OK);
        refused < 0) {
        return static_cast<int>(-refused);
    }
    *what = run.identity.arena_directory;
    char command[max_command_bytes];
    fault = record::create_arena(wanted_arena(command), &run.arena);
    if (fault == EEXIST) {
        return record::open_arena(run.identity, &run.arena);
    }
    if (fault != 0) {
        system_call(SYS_unlinkat, AT_FDCWD, address_of(directory.c_str()), AT_REMOVEDIR);
        return fault;
    }
    *what = run.identity.directory;
    fault = link_arena();
    if (fault != 0) {
        remove_arena_file();
    }
    return fault;
}

} // namespace flockstat::shim
