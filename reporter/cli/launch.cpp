#include "reporter/cli/launch.h"

#include "reporter/cli/failure.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

constexpr std::array<int, 2> ignored_signals = {SIGINT, SIGQUIT};
/// A handler's pipe may lose its reader: writing to it fails then, and the run goes on.
struct sigaction old_pipe;
constexpr std::array<int, 2> forwarded_signals = {SIGTERM, SIGHUP};

std::array<struct sigaction, ignored_signals.size()> old_ignored;
std::array<struct sigaction, forwarded_signals.size()> old_forwarded;
volatile sig_atomic_t forward_to = 0;

void forward(int signal) {
    const int error = errno;
    if (forward_to > 0) {
        kill(static_cast<pid_t>(forward_to), signal);
    }
    errno = error;
}

void take_signals() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < ignored_signals.size(); ++i) {
        sigaction(ignored_signals[i], &ignore, &old_ignored[i]);
    }
    sigaction(SIGPIPE, &ignore, &old_pipe);
    struct sigaction pass_on {};
    pass_on.sa_handler = forward;
    for (std::size_t i = 0; i < forwarded_signals.size(); ++i) {
        sigaction(forwarded_signals[i], nullptr, &old_forwarded[i]);
        if (old_forwarded[i].sa_handler != SIG_IGN) { // nohup
            sigaction(forwarded_signals[i], &pass_on, nullptr);
        }
    }
}

void give_interrupts_back() {
    for (std::size_t i = 0; i < ignored_signals.size(); ++i) {
        sigaction(ignored_signals[i], &old_ignored[i], nullptr);
    }
}

void give_signals_back() {
    give_interrupts_back();
    sigaction(SIGPIPE, &old_pipe, nullptr);
    for (std::size_t i = 0; i < forwarded_signals.size(); ++i) {
        sigaction(forwarded_signals[i], &old_forwarded[i], nullptr);
    }
}

/// What went wrong with exec, if anything: read from the pipe that a successful exec closes.
int read_exec_error(int pipe_end) {
    int error = 0;
    ssize_t got = 0;
    do {
        got = read(pipe_end, &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

/// Has the child ended? It stays a zombie, so that its number is not given to another process yet.
bool has_ended(pid_t pid, int options) {
    siginfo_t info{};
    int result = 0;
    do {
        info.si_pid = 0;
        result = waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | options);
    } while (result < 0 && errno == EINTR);
    return result < 0 || info.si_pid == pid;
}

int reap(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

[[noreturn]] void fail_exec(const std::string &command, int error) {
    const bool missing = error == ENOENT;
    const bool bare = command.find('/') == std::string::npos;
    throw Failure(missing ? status_not_found : status_cannot_run,
                  "cannot run " + command + ": " + std::strerror(error) +
                      (missing ? (bare ? "; is it in PATH?" : "; it or its interpreter is not there") : ""));
}

} // namespace

std::string find_library() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const std::array<std::filesystem::path, 2> places = {
        self / "libflockstat.so", self.parent_path() / "lib" / "flockstat" / "libflockstat.so"};
    for (const std::filesystem::path &place : places) {
        if (!std::filesystem::exists(place, error)) {
            continue;
        }
        if (place.native().find_first_of(" :\t\n") != std::string::npos) {
            throw Failure(status_failed_run,
                          place.native() + " cannot stand in LD_PRELOAD, which blanks and colons divide; "
                                           "move flockstat to a directory without them");
        }
        return place.native();
    }
    throw Failure(status_failed_run, "libflockstat.so is neither " + places[0].native() + " nor " +
                                         places[1].native() + "; build or install flockstat again");
}

Environment::Environment(const char *const *environment) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        entries_.emplace_back(*environment);
    }
}

std::string Environment::get(const std::string &name) const {
    for (const std::string &entry : entries_) {
        if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

void Environment::set(const std::string &name, const std::string &value) {
    std::erase_if(entries_, [&](const std::string &entry) { return entry.starts_with(name + "="); });
    entries_.push_back(name + "=" + value);
}

void Environment::preload(const std::string &library) {
    const std::string others = get("LD_PRELOAD");
    set("LD_PRELOAD", others.empty() ? library : library + ":" + others);
}

void Environment::let_asan_start() {
    const std::string others = get("ASAN_OPTIONS"); // of two values the later one counts
    set("ASAN_OPTIONS", "verify_asan_link_order=0" + (others.empty() ? others : ":" + others));
}

std::vector<char *> Environment::pointers() {
    std::vector<char *> result;
    result.reserve(entries_.size() + 1);
    for (std::string &entry : entries_) {
        result.push_back(entry.data());
    }
    result.push_back(nullptr);
    return result;
}

Launch::Launch(const std::vector<std::string> &command, Environment environment,
               const std::function<void()> &before_exec) {
    std::vector<char *> arguments;
    for (const std::string &argument : command) {
        arguments.push_back(const_cast<char *>(argument.c_str())); // execvpe's type is older than const
    }
    arguments.push_back(nullptr);
    const std::vector<char *> variables = environment.pointers();
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw Failure(status_failed_run,
                      std::string("cannot start the command: pipe: ") + std::strerror(errno));
    }
    sigset_t forwarded;
    sigset_t before;
    sigemptyset(&forwarded);
    for (const int signal : forwarded_signals) {
        sigaddset(&forwarded,
                  signal); // one that comes before the child's number is known is passed on afterwards
    }
    sigprocmask(SIG_BLOCK, &forwarded, &before);
    take_signals();
    pid_ = fork();
    if (pid_ == 0) {
        give_signals_back();
        sigprocmask(SIG_SETMASK, &before, nullptr);
        before_exec();
        execvpe(arguments[0], arguments.data(), variables.data());
        const int error = errno;
        [[maybe_unused]] const ssize_t told = write(ends[1], &error, sizeof error);
        _exit(status_not_found);
    }
    const int fork_error = errno;
    forward_to = pid_;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    close(ends[1]);
    const int exec_error = pid_ < 0 ? 0 : read_exec_error(ends[0]);
    close(ends[0]);
    if (pid_ < 0 || exec_error != 0) {
        forward_to = 0;
        give_signals_back();
    }
    if (pid_ < 0) {
        throw Failure(status_failed_run,
                      std::string("cannot start the command: fork: ") + std::strerror(fork_error));
    }
    if (exec_error != 0) {
        reap(pid_);
        fail_exec(command.front(), exec_error);
    }
}

Launch::~Launch() {
    forward_to = 0;
    give_signals_back();
}

int Launch::wait(const std::function<std::chrono::milliseconds()> &tick) {
    if (!tick) {
        has_ended(pid_, 0);
    } else {
        const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
        pollfd ended{handle, POLLIN, 0};
        while (!has_ended(pid_, WNOHANG)) {
            const std::chrono::milliseconds interval = tick();
            // Without a handle (Linux before 5.3) the end is noticed at the next tick.
            poll(&ended, handle >= 0 ? 1 : 0, static_cast<int>(interval.count()));
        }
        if (handle >= 0) {
            close(handle);
        }
    }
    forward_to = 0;         // from here on its number may be another process's
    give_interrupts_back(); // whoever presses ^C now means us
    return reap(pid_);
}

int exit_status_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? status_signal_base + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

} // namespace flockstat::cli
