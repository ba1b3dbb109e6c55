#include "reporter/read/process_life.h"

#include "reporter/record/clock.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace flockstat::reporter {
namespace {

/// The state letter and the start in clock ticks since the machine's start (man 5 proc: fields 3 and 22 of
/// stat).
bool read_stat(std::int32_t pid, char *state, std::uint64_t *start) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    const std::size_t name_end = line.rfind(')'); // the name may hold anything
    if (name_end == std::string::npos) {
        return false;
    }
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    fields >> *state;
    for (int field = 4; field < 22; ++field) {
        fields >> skipped;
    }
    return static_cast<bool>(fields >> *start);
}

/// A process whose first thread ended is a zombie in its stat, but lives as long as another of its threads
/// does.
bool has_other_threads(std::int32_t pid) {
    std::error_code failed; // it may be reaped while it is looked at
    std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid) + "/task", failed);
    int count = 0;
    for (; !failed && threads != std::filesystem::directory_iterator(); threads.increment(failed)) {
        ++count;
    }
    return !failed && count > 1;
}

} // namespace

Life process_life(std::int32_t pid, std::uint64_t age_ns) {
    if (pid <= 0) {
        return Life::unknown;
    }
    char state = 0;
    std::uint64_t start = 0;
    if (!read_stat(pid, &state, &start)) {
        return ::kill(pid, 0) != 0 && errno == ESRCH ? Life::gone : Life::unknown;
    }
    if ((state == 'Z' || state == 'X') && !has_other_threads(pid)) {
        return Life::gone;
    }
    const auto tick_ns = 1'000'000'000U / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const std::uint64_t slack_ns = 2 * tick_ns; // the kernel rounds the start
    const std::uint64_t lived_ns = record::monotonic_ns(CLOCK_BOOTTIME) - start * tick_ns;
    return lived_ns + slack_ns >= age_ns ? Life::alive : Life::gone;
}

std::uint64_t own_pid_namespace() {
    struct stat facts {};
    return ::stat("/proc/self/ns/pid", &facts) == 0 ? facts.st_ino : 0;
}

} // namespace flockstat::reporter
