#include "reporter/cli/arena_guard.h"
#include "reporter/cli/commands.h"
#include "reporter/cli/end_watch.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/joined.h"
#include "reporter/cli/launch.h"
#include "reporter/cli/outside_watch.h"
#include "reporter/cli/run_directory.h"
#include "reporter/cli/run_files.h"
#include "reporter/cli/status_line.h"
#include "reporter/cli/target.h"
#include "reporter/cli/terminal.h"
#include "reporter/cli/window_watch.h"
#include "reporter/record/mount_line.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace flockstat::cli {
namespace {

/// A run while it is set up and carried out. Strings that `identity` has views of.
struct RunState {
    RunDirectory directory;
    record::HostText host = record::own_host();
    std::string arena_directory;
    record::RunIdentity identity;
    record::Mapping arena;
    std::unique_ptr<ArenaGuard> guard;
    std::unique_ptr<WindowWatch> windows; ///< null: nobody asked for them
};

/// The settings of the environment, with the options on top. Throws Failure on a variable that is not right.
record::Settings read_settings(const RunOptions &options) {
    record::Settings settings;
    std::string complaint;
    record::parse_settings(environ, &settings, [&](std::string_view line) {
        complaint = complaint.empty() ? std::string(line) : complaint;
    });
    if (!complaint.empty()) {
        throw Failure(status_failed_run, complaint);
    }
    settings.stacks = settings.stacks && !options.no_stacks;
    settings.probe = settings.probe && !options.no_probe;
    settings.all_users = settings.all_users || options.all_users;
    settings.quiet = settings.quiet || options.quiet;
    settings.arena_mib = options.arena_mib.value_or(settings.arena_mib);
    return settings;
}

/// Where arenas may live, best first.
std::vector<std::string> arena_directories(const record::Settings &settings) {
    if (!settings.arena_directory.empty()) {
        return {std::string(settings.arena_directory)};
    }
    std::vector<std::string> result = {"/dev/shm"};
    if (const char *temporary = std::getenv("TMPDIR"); temporary != nullptr && *temporary == '/') {
        result.emplace_back(temporary);
    }
    result.emplace_back("/tmp");
    return result;
}

std::uint32_t run_options(const record::Settings &settings) {
    return (settings.stacks ? 0U : record::option_stacks_off) |
           (settings.probe ? 0U : record::option_probe_off) |
           (settings.all_users ? record::option_all_users : 0U);
}

std::uint64_t random_id() {
    std::random_device source;
    std::uint64_t id = 0;
    while (id == 0) {
        id = (std::uint64_t{source()} << 32U) | source();
    }
    return id;
}

/// Makes the arena in the first directory that takes it.
void make_arena(const record::Settings &settings, const std::vector<std::string> &command, RunState *state) {
    record::NewArena wanted;
    const std::string text = joined(command, '\0');
    wanted.bytes = settings.arena_mib << 20U;
    wanted.options = run_options(settings);
    wanted.command = text;
    wanted.all_users = settings.all_users;
    std::string tried;
    for (const std::string &directory : arena_directories(settings)) {
        state->arena_directory = directory;
        state->identity = {.run_id = random_id(),
                           .arena_directory = state->arena_directory,
                           .directory = state->directory.path,
                           .host = state->host.view()};
        wanted.run = state->identity;
        const int error = record::create_arena(wanted, &state->arena);
        if (error == 0) {
            state->guard = std::make_unique<ArenaGuard>(state->arena);
            return;
        }
        tried += (tried.empty() ? "" : ", ") + directory + ": " + std::strerror(error);
    }
    throw Failure(
        status_failed_run,
        "cannot make the run's shared memory (" + tried +
            "); free room there, ask for less with --arena, or name a directory in FLOCKSTAT_ARENA_DIR");
}

void remove_arena(const RunState &state) {
    std::array<char, record::max_arena_path_bytes> path;
    record::write_arena_path(state.identity, path.data());
    unlink(path.data());
}

/// What the command finds in its environment.
Environment make_environment(const RunOptions &options, const record::Settings &settings,
                             const record::RunIdentity &identity, const std::string &library) {
    Environment environment(environ);
    std::string value(record::max_identity_bytes, '\0');
    if (!record::write_run_identity(identity, value.data())) {
        throw Failure(status_failed_run,
                      "the path of the run's directory is too long; name a shorter one with -o");
    }
    environment.set(record::run_variable, value.c_str());
    environment.set("FLOCKSTAT_STACKS", settings.stacks ? "on" : "off");
    environment.set("FLOCKSTAT_PROBE", settings.probe ? "on" : "off");
    if (!options.include.empty()) {
        environment.set("FLOCKSTAT_INCLUDE", joined(options.include, ':'));
    }
    if (!options.exclude.empty()) {
        environment.set("FLOCKSTAT_EXCLUDE", joined(options.exclude, ':'));
    }
    if (!settings.handlers.empty()) {
        environment.set("FLOCKSTAT_HANDLERS", ""); // a run inside this one must not replace the same files
    }
    environment.preload(library);
    environment.let_asan_start();
    return environment;
}

void warn_about_target(const std::string &command) {
    const char *path = std::getenv("PATH");
    const std::optional<std::string> file = find_command(command, path == nullptr ? "/bin:/usr/bin" : path);
    if (const auto why = file ? why_not_preloadable(*file) : std::nullopt) {
        say(*why);
    }
}

/// Notes in the arena how the command ended.
void mark_ended(const record::Mapping &arena, int wait_status) {
    record::Header &header = record::header_of(arena);
    header.command_status = wait_status;
    record::renew_clock(arena);
    __atomic_store_n(&header.ended, 1U, __ATOMIC_RELEASE);
}

/// Nothing of the recording is left.
void tell_truncated(const RunState &state) {
    abandon_run_directory(state.directory);
    remove_arena(state);
    say("nothing is reported: somebody truncated the file of the recording, in " + state.arena_directory +
        ", while the run went on");
}

void tell_that_nothing_locked(std::size_t processes) {
    if (processes == 0) {
        say("no lock call was seen: libflockstat.so was not loaded, or the programs lock nothing (static, "
            "set-user-ID, 32-bit and musl programs cannot be watched)");
    } else {
        say(fmt::format(
            "no lock call was seen in {} process{}: none returned, on no file that --include and "
            "--exclude leave in, or they were made by system calls of their own as Go does, or by "
            "programs that cannot be watched (static, set-user-ID, 32-bit, musl, or without "
            "LD_PRELOAD in their environment)",
            processes, processes == 1 ? "" : "es"));
    }
}

/// Is there a lock call, one that could not be recorded, or a wait counter in the arena, or somebody who may
/// still make one?
bool is_worth_keeping(const reporter::Run &run, std::uint32_t left_running) {
    return !run.locks.empty() || !run.leaves.empty() || !run.wait_counters.empty() || run.lost.calls != 0 ||
           left_running != 0;
}

/// Sums the run up. The arena is removed where nobody is left to write to it.
void finish(const RunState &state, bool quiet, bool html) {
    restore_run_directory(state.directory, state.identity);
    record::MountRoom mount_room;
    record::complete_mounts(state.arena, mount_room);
    const std::filesystem::path directory = state.directory.path;
    const std::filesystem::path file = directory / state.directory.flk_name;
    reporter::Run run = reporter::read_run(file);
    const auto left_running =
        static_cast<std::uint32_t>(std::ranges::count_if(run.processes, [](const reporter::Process &process) {
            return process.ending == reporter::Ending::running;
        }));
    record::header_of(state.arena).left_running = left_running;
    if (state.windows != nullptr) {
        state.windows->finish(run);
    }
    if (!is_worth_keeping(run, left_running)) {
        if (state.windows != nullptr) {
            state.windows->abandon();
        }
        abandon_run_directory(state.directory);
        remove_arena(state);
        tell_that_nothing_locked(run.processes.size());
        return;
    }
    const RunFacts facts{run.run_id, may_go_on(run)};
    run = {};
    const reporter::Report report = sum_up({directory, reporter::run_files(directory)}, html);
    keep_finished_run(file, facts);
    write_summaries(report, directory, html);
    if (!quiet) {
        reporter::TextOptions text;
        fit_terminal(STDERR_FILENO, &text);
        const std::string shown = to_text(report, text);
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, shown.data(), shown.size());
    }
    if (left_running != 0) {
        say(fmt::format("{} process{} of the run go on; see what they do with: flockstat report {}",
                        left_running, left_running == 1 ? "" : "es", state.directory.path));
    }
}

/// Waits for the command's end, and does meanwhile what is due.
int wait_for(Launch &launch, bool status, const RunState &state) {
    const record::ArenaView view(state.arena.base, state.arena.bytes);
    std::optional<StatusLine> line;
    if (status) {
        line.emplace(view);
    }
    if (!line && state.windows == nullptr) {
        return launch.wait({});
    }
    return launch.wait([&] {
        std::chrono::milliseconds next = StatusLine::interval;
        if (line) {
            line->tick();
        }
        if (state.windows != nullptr) {
            const std::chrono::milliseconds due = state.windows->tick();
            next = line ? std::min(next, due) : due;
        }
        return next;
    });
}

int carry_out(const RunOptions &options, const record::Settings &settings, Environment environment,
              const RunState &state) {
    const auto note_pid = [&] { // in the child: whoever attaches to the arena finds it there
        record::header_of(state.arena).first_pid = getpid();
    };
    Launch launch(options.command, std::move(environment), note_pid);
    std::optional<EndWatch> ends(state.arena);
    std::optional<OutsideWatch> outside(state.arena);
    const int wait_status = wait_for(launch, options.status, state);
    outside.reset();
    ends.reset();
    mark_ended(state.arena, wait_status);
    const int status = exit_status_of(wait_status);
    if (state.guard->truncated()) {
        tell_truncated(state);
        return status != 0 ? status : status_failed_run;
    }
    try {
        finish(state, settings.quiet, options.html);
        return status;
    } catch (const reporter::ReadError &error) {
        say(error.what());
    } catch (const std::system_error &error) {
        say(std::string("cannot write ") + error.what() +
            "; what was recorded is kept: make room, then run: flockstat report " + state.directory.path);
    }
    return status != 0 ? status : status_failed_run; // the command's own failure is the more important one
}

} // namespace

int run(const RunOptions &options) {
    const record::Settings settings = read_settings(options);
    const std::string library = find_library();
    RunState state;
    std::optional<std::string> wanted = options.directory;
    if (!wanted && !settings.directory.empty()) {
        wanted = std::string(settings.directory);
    }
    // A directory that the environment names is everybody's who reads it: runs gather there.
    state.directory = take_run_directory(wanted, options.add || !options.directory, options.command.front());
    bool linked = false;
    try {
        make_arena(settings, options.command, &state);
        link_arena(&state.directory, state.identity);
        linked = true;
        warn_about_target(options.command.front());
        state.windows = watch_windows(options, settings,
                                      std::filesystem::path(state.directory.path) / state.directory.flk_name);
        return carry_out(options, settings, make_environment(options, settings, state.identity, library),
                         state);
    } catch (const Failure &failure) {
        const auto *header = reinterpret_cast<const record::Header *>(state.arena.base);
        if (header == nullptr || header->ended == 0) { // nothing was recorded
            remove_arena(state);
            if (state.windows != nullptr) {
                state.windows->abandon();
            }
            if (linked) {
                abandon_run_directory(state.directory);
            } else if (state.directory.made) {
                rmdir(state.directory.path.c_str());
            }
        }
        throw;
    }
}

} // namespace flockstat::cli
