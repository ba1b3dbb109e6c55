#include "shim/run.h"

#include "reporter/record/system_call.h"
#include "shim/private_memory.h"
#include "shim/start_message.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 // Linux 4.14
#endif

extern "C" char **environ;

namespace flockstat::shim {

using record::address_of;
using record::system_call;

ProcessRun run;

namespace {

constexpr std::size_t page_bytes = 4096;

/// The process's command line, arguments separated by NUL. In the constructor argv is one block of text, as the kernel laid it out.
std::string_view command_text;

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

std::string_view environment_value(char **environment, std::string_view name) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

/// Text put together in a buffer of fixed size; what does not fit makes it overflow.
class PathText {
public:
    PathText &add(std::string_view text) {
        if (used_ + text.size() >= sizeof text_) {
            overflow_ = true;
            return *this;
        }
        std::memcpy(text_ + used_, text.data(), text.size());
        used_ += text.size();
        text_[used_] = '\0';
        return *this;
    }
    PathText &add_number(std::int64_t number) {
        char digits[24];
        const char *end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return add({digits, static_cast<std::size_t>(end - digits)});
    }
    [[nodiscard]] bool overflow() const { return overflow_; }
    [[nodiscard]] std::string_view view() const { return {text_, used_}; }
    [[nodiscard]] const char *c_str() const { return text_; }

private:
    char text_[record::max_path_bytes] = {};
    std::size_t used_ = 0;
    bool overflow_ = false;
};

std::string_view default_arena_directory(char **environment) {
    if (!run.settings.arena_directory.empty()) {
        return run.settings.arena_directory;
    }
    if (system_call(SYS_faccessat, AT_FDCWD, address_of("/dev/shm"), W_OK | X_OK) == 0) {
        return "/dev/shm";
    }
    const std::string_view temporary = environment_value(environment, "TMPDIR");
    return temporary.empty() || temporary.front() != '/' ? std::string_view("/tmp") : temporary;
}

/// FLOCKSTAT_DIR, or flockstat-COMMAND-PID, made absolute.
void name_directory(std::string_view command, PathText *out) {
    const std::string_view wanted = run.settings.directory;
    if (wanted.empty() || wanted.front() != '/') {
        char here[record::max_path_bytes];
        const long bytes = system_call(SYS_getcwd, address_of(here), sizeof here);
        if (bytes <= 1) {
            out->add(std::string_view("/")); // the working directory was removed
        } else {
            out->add({here, static_cast<std::size_t>(bytes - 1)});
        }
        if (out->view() != "/") {
            out->add("/");
        }
    }
    if (wanted.empty()) {
        out->add("flockstat-").add(base_name(command)).add("-").add_number(system_call(SYS_getpid));
    } else {
        out->add(wanted);
    }
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

/// Puts FLOCKSTAT_RUN into the environment, so that descendants join: a new array with one entry more, as setenv would make
/// it, without malloc.
bool publish_identity(char **environment) {
    std::size_t count = 0;
    while (environment != nullptr && environment[count] != nullptr) {
        ++count;
    }
    auto **fresh = static_cast<char **>(map_pages((count + 2) * sizeof(char *)));
    if (fresh == nullptr) {
        return false;
    }
    if (count != 0) {
        std::memcpy(fresh, environment, count * sizeof(char *));
    }
    fresh[count] = run.identity_text;
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
    name_directory(command, &directory);
    record::RunIdentity identity;
    if (system_call(SYS_getrandom, address_of(&identity.run_id), sizeof identity.run_id, 0) !=
        static_cast<long>(sizeof identity.run_id)) {
        identity.run_id = record::monotonic_ns() * 0x9E3779B97F4A7C15U ^ static_cast<std::uint64_t>(system_call(SYS_getpid));
    }
    identity.first_pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    identity.arena_directory = default_arena_directory(environment);
    identity.directory = directory.view();
    return !directory.overflow() && keep_identity(identity) && publish_identity(environment);
}

void adopt_arena_facts() {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    run.clock = header->clock == record::Clock::tsc ? record::Clock::tsc : record::Clock::monotonic;
    run.started = header->started;
}

/// A page that a child finds zeroed. Without it (an old kernel) children are told apart by their pid, see same_process().
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
    run.fork_page->same_process = 1;
}

/// DIR/run.flk, run.2.flk, ...: a link to the live arena, in the place of the copy that the end of the run puts there.
int link_arena() {
    char arena_path[record::max_path_bytes + 32];
    record::write_arena_path(run.identity, arena_path);
    for (int number = 1; number < 10000; ++number) {
        PathText link;
        link.add(run.identity.directory).add("/run.");
        if (number > 1) {
            link.add_number(number).add(".");
        }
        link.add("flk");
        if (link.overflow()) {
            return ENAMETOOLONG;
        }
        const long failed = system_call(SYS_symlinkat, address_of(arena_path), AT_FDCWD, address_of(link.c_str()));
        if (failed != -EEXIST) {
            return static_cast<int>(-failed);
        }
    }
    return EEXIST;
}

void remove_arena_file() {
    char arena_path[record::max_path_bytes + 32];
    record::write_arena_path(run.identity, arena_path);
    system_call(SYS_unlinkat, AT_FDCWD, address_of(arena_path), 0);
}

record::NewArena wanted_arena() {
    record::NewArena wanted;
    wanted.run = run.identity;
    wanted.bytes = run.settings.arena_mib << 20U;
    wanted.options = (run.stacks ? 0U : record::option_stacks_off) | (run.probe ? 0U : record::option_probe_off) |
                     (run.settings.all_users ? record::option_all_users : 0U);
    wanted.command = command_text;
    wanted.first_pid = run.identity.first_pid;
    wanted.all_users = run.settings.all_users;
    return wanted;
}

/// Opens the run's arena, or makes it and the run's directory. Returns 0 or an errno; `what` names what could not be made.
int open_or_create(std::string_view *what) {
    *what = run.identity.arena_directory;
    int fault = record::open_arena(run.identity, &run.arena);
    if (fault != ENOENT) {
        return fault;
    }
    if (run.identity.first_pid == 0) {
        return ENOENT; // `flockstat run` made one, and removed it: that run is over
    }
    PathText directory;
    directory.add(run.identity.directory);
    *what = run.identity.directory;
    const long made = system_call(SYS_mkdirat, AT_FDCWD, address_of(directory.c_str()), run.settings.all_users ? 0777 : 0700);
    if (made < 0 && made != -EEXIST) {
        return static_cast<int>(-made);
    }
    if (const long refused = system_call(SYS_faccessat, AT_FDCWD, address_of(directory.c_str()), W_OK | X_OK); refused < 0) {
        return static_cast<int>(-refused);
    }
    *what = run.identity.arena_directory;
    fault = record::create_arena(wanted_arena(), &run.arena);
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

void fill_process(record::Process *mine) {
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    mine->ordinal = __atomic_add_fetch(&header->process_count, 1, __ATOMIC_RELAXED);
    mine->pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    mine->parent_pid = static_cast<std::int32_t>(system_call(SYS_getppid));
    mine->uid = static_cast<std::uint32_t>(system_call(SYS_getuid));
    mine->attached_ticks = now_ticks();
    mine->state = record::ProcessState::running;
    mine->status = -1;
    struct stat64 facts {};
    if (system_call(SYS_newfstatat, AT_FDCWD, address_of("/proc/self/ns/pid"), address_of(&facts), 0) == 0) {
        mine->pid_namespace = facts.st_ino;
    }
    if (run.command == 0) {
        run.command = record::intern_string(run.arena, command_text);
        char path[record::max_path_bytes];
        const long bytes = system_call(SYS_readlinkat, AT_FDCWD, address_of("/proc/self/exe"), address_of(path), sizeof path);
        run.executable = bytes > 0 ? record::intern_string(run.arena, {path, static_cast<std::size_t>(bytes)}) : 0;
    }
    mine->command = run.command;
    mine->executable = run.executable;
}

/// Claims this process's record: no descriptor, no path, so that a child that dropped its rights can.
void claim_process() {
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    const record::Ref ref = record::take_room(run.arena, sizeof(record::Process));
    auto *mine = record::resolve<record::Process>(run.arena, ref);
    if (mine == nullptr) {
        count_lost(&record::Lost::processes);
        return;
    }
    fill_process(mine);
    const auto chain = static_cast<std::size_t>(static_cast<std::uint32_t>(mine->pid)) % record::process_chains;
    record::push(&header->process_heads[chain], mine, ref);
    run.pid = mine->pid;
    run.process = mine;
    run.process_ref = ref;
}

/// One thread attaches; others wait for it for a while, and then do without.
bool wait_for_attachment() {
    for (int i = 0; i < 100'000; ++i) {
        if (__atomic_load_n(&run.attachment, __ATOMIC_ACQUIRE) != Attachment::attaching) {
            break;
        }
        system_call(SYS_sched_yield);
    }
    return __atomic_load_n(&run.attachment, __ATOMIC_ACQUIRE) == Attachment::attached;
}

} // namespace

std::uint64_t ticks_for_ns(std::uint64_t ns) {
    if (run.clock == record::Clock::monotonic || run.started.monotonic_ns == 0) {
        return ns;
    }
    const record::ClockReading now = record::read_clocks(run.clock);
    const std::uint64_t elapsed_ns = now.monotonic_ns - run.started.monotonic_ns;
    if (elapsed_ns < 1'000'000) {
        return ns; // too short to tell the rate; counters run at 1 GHz or more
    }
    const auto elapsed_ticks = static_cast<unsigned __int128>(now.ticks - run.started.ticks);
    return static_cast<std::uint64_t>(elapsed_ticks * ns / elapsed_ns);
}

void count_lost(std::uint64_t record::Lost::*what, std::uint64_t times) {
    if (run.arena.base != nullptr) {
        auto *header = reinterpret_cast<record::Header *>(run.arena.base);
        __atomic_fetch_add(&(header->lost.*what), times, __ATOMIC_RELAXED);
    }
}

bool attach_run() {
    Attachment seen = __atomic_load_n(&run.attachment, __ATOMIC_ACQUIRE);
    if (seen == Attachment::attached) {
        if (run.process == nullptr) {
            claim_process();
        }
        return run.process != nullptr;
    }
    if (seen == Attachment::attaching) {
        return wait_for_attachment();
    }
    if (seen != Attachment::none ||
        !__atomic_compare_exchange_n(&run.attachment, &seen, Attachment::attaching, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_ACQUIRE)) {
        return seen == Attachment::attaching && wait_for_attachment();
    }
    std::string_view what;
    const int fault = open_or_create(&what);
    if (fault == 0) {
        adopt_arena_facts();
        claim_process();
    } else if (run.first_process || run.settings.verbose) {
        say_not_recording(what, fault);
    }
    __atomic_store_n(&run.attachment, fault == 0 ? Attachment::attached : Attachment::off, __ATOMIC_RELEASE);
    return fault == 0 && run.process != nullptr;
}

void forget_parent_run() {
    ++run.generation;
    if (run.fork_page != nullptr) {
        run.fork_page->same_process = 1;
    }
    run.process = nullptr;
    run.process_ref = 0;
    run.first_process = false;
    run.exit_status = -1;
    if (run.attachment == Attachment::attaching) { // the thread that was at it is not in this process
        run.attachment = Attachment::none;
    }
}

void start_run(int argument_count, char **arguments, char **environment) {
    Attachment outcome = Attachment::off;
    command_text = join_arguments(argument_count, arguments);
    if (getauxval(AT_SECURE) == 0) {
        const std::string_view identity = environment_value(environment, record::run_variable);
        const bool joins = !identity.empty();
        bool usable = record::parse_settings(environment, &run.settings, [&](std::string_view complaint) {
                          if (!joins) {
                              say(complaint);
                          }
                      }) == 0;
        run.probe = run.settings.probe;
        run.stacks = run.settings.stacks;
        run.settings.include = keep_text(run.settings.include);
        run.settings.exclude = keep_text(run.settings.exclude);
        make_fork_page();
        record::RunIdentity given;
        if (joins) {
            usable = record::read_run_identity(identity, &given) && keep_identity(given);
        } else {
            usable = usable && found_run(argument_count > 0 ? arguments[0] : "program", environment);
        }
        run.first_process = run.identity.first_pid == static_cast<std::int32_t>(system_call(SYS_getpid));
        outcome = usable ? Attachment::none : Attachment::off;
    }
    if (outcome == Attachment::none) {
        if (record::open_arena(run.identity, &run.arena) == 0) {
            adopt_arena_facts();
            claim_process();
            outcome = Attachment::attached;
        } else if (run.identity.first_pid == 0) {
            outcome = Attachment::off;
        } else {
            run.clock = record::choose_clock();
        }
    }
    __atomic_store_n(&run.attachment, outcome, __ATOMIC_RELEASE);
}

} // namespace flockstat::shim
