#include "tests/support/command.h"

#include "tests/support/places.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace flockstat::test {

namespace {

[[noreturn]] void fail(const char *what) { throw std::system_error(errno, std::generic_category(), what); }

int memory_file(const std::string &text) {
    const int fd = memfd_create("text", MFD_CLOEXEC);
    if (fd < 0)
        fail("memfd_create");
    if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        fail("write");
    if (lseek(fd, 0, SEEK_SET) != 0)
        fail("lseek");
    return fd;
}

std::string contents(int fd) {
    std::string text;
    char buffer[65536];
    ssize_t got = 0;
    off_t at = 0;
    while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) {
        text.append(buffer, static_cast<std::size_t>(got));
        at += got;
    }
    return text;
}

// Arenas of runs that were killed on purpose stay where they are, by design: in a directory that goes away
// with the tests.
std::string arena_directory() {
    static const TempDirectory directory(
        std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path());
    return directory.path();
}

std::vector<std::string> environment_of(const Command &command) {
    std::map<std::string, std::string> variables;
    for (char **entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const std::size_t equals = text.find('=');
        if (equals != std::string::npos)
            variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
    std::erase_if(variables, [](const auto &entry) {
        return entry.first == "LD_PRELOAD" || entry.first.starts_with("FLOCKSTAT_");
    });
    variables["LC_ALL"] = "C";
    variables["FLOCKSTAT_ARENA_DIR"] = arena_directory();
    for (const auto &[name, value] : command.environment) {
        if (value) {
            variables[name] = *value;
        } else {
            variables.erase(name);
        }
    }
    std::vector<std::string> result;
    for (const auto &[name, value] : variables)
        result.push_back(name + "=" + value);
    return result;
}

std::vector<char *> pointers(std::vector<std::string> &strings) {
    std::vector<char *> result;
    for (std::string &text : strings)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

pid_t start(const Command &command, int in, int out, int err) {
    std::vector<std::string> arguments = command.argv;
    std::vector<std::string> variables = environment_of(command);
    const std::vector<char *> argv = pointers(arguments);
    const std::vector<char *> envp = pointers(variables);
    const pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        setpgid(0, 0);
        if (!command.directory.empty() && chdir(command.directory.c_str()) != 0)
            _exit(99);
        // Numbers below 3 in the parent would be overwritten; tests always have 0, 1 and 2 open.
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
            _exit(99);
        signal(SIGPIPE, SIG_DFL);
        execvpe(argv[0], argv.data(), envp.data());
        _exit(errno == ENOENT ? 127 : 126);
    }
    setpgid(pid, pid); // both sides do it, so that it is done before either goes on
    return pid;
}

// True when the process ended within the limit; then it is reaped by the caller's waitpid.
bool await(pid_t pid, std::chrono::seconds limit) {
    // By number: the header of glibc 2.36 does not declare pidfd_open for C++.
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0)
        fail("pidfd_open");
    pollfd entry{fd, POLLIN, 0};
    int ready = 0;
    do {
        ready = poll(&entry, 1, static_cast<int>(std::chrono::milliseconds(limit).count()));
    } while (ready < 0 && errno == EINTR);
    close(fd);
    return ready > 0;
}

void collect(pid_t pid, std::chrono::seconds limit, Outcome &outcome) {
    outcome.timed_out = !await(pid, limit);
    if (outcome.timed_out)
        kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            fail("waitpid");
    }
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::int64_t nanoseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
}

} // namespace

Outcome run_command(const Command &command) {
    const int in =
        command.input.empty() ? open("/dev/null", O_RDONLY | O_CLOEXEC) : memory_file(command.input);
    const int out = memory_file("");
    const int err = memory_file("");
    const auto started = std::chrono::steady_clock::now();
    const pid_t pid = start(command, in, out, err);
    Outcome outcome;
    collect(pid, command.limit, outcome);
    outcome.wall_ns = nanoseconds_since(started);
    outcome.out = contents(out);
    outcome.err = contents(err);
    if (outcome.timed_out)
        outcome.err += "\n[the test killed it after its time limit]\n";
    close(in);
    close(out);
    close(err);
    return outcome;
}

Command shell(const std::string &script, const std::filesystem::path &directory) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.directory = directory;
    return command;
}

Process::Process(const Command &command) : limit_(command.limit), started_(std::chrono::steady_clock::now()) {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        fail("pipe2");
    error_ = memory_file("");
    pid_ = start(command, in[0], out[1], error_);
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
}

Process::~Process() {
    close_input();
    // The group's number stays taken while any member lives, so after the leader is reaped this reaches only
    // those.
    kill(-pid_, SIGKILL);
    if (!ended_)
        waitpid(pid_, nullptr, 0);
    close(output_);
    close(error_);
}

void Process::send(const std::string &line) {
    const std::string text = line + "\n";
    if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        fail("write to the process");
}

void Process::close_input() {
    if (input_ >= 0)
        close(input_);
    input_ = -1;
}

bool Process::fill(int timeout_ms) {
    pollfd entry{output_, POLLIN, 0};
    if (poll(&entry, 1, timeout_ms) <= 0)
        return false;
    char buffer[4096];
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got <= 0)
        return false;
    pending_.append(buffer, static_cast<std::size_t>(got));
    return true;
}

std::string Process::read_line() {
    std::size_t end = 0;
    while ((end = pending_.find('\n')) == std::string::npos) {
        if (!fill(static_cast<int>(std::chrono::milliseconds(limit_).count()))) {
            throw std::runtime_error("no line from the process; it wrote: " + pending_ + contents(error_));
        }
    }
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    return line;
}

void Process::kill_only(int signal) const { kill(pid_, signal); }

Outcome Process::wait() {
    Outcome outcome;
    collect(pid_, limit_, outcome);
    ended_ = true;
    outcome.wall_ns = nanoseconds_since(started_);
    while (fill(0)) {}
    outcome.out = pending_;
    outcome.err = contents(error_);
    return outcome;
}

} // namespace flockstat::test
