#include "reporter/cli/run_directory.h"

#include "reporter/cli/failure.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view default_prefix = "flockstat-";

[[noreturn]] void fail(const std::string &what, int error, const std::string &remedy) {
    throw Failure(status_failed_run, what + ": " + std::strerror(error) + "; " + remedy);
}

/// What of a command's name may stand in a directory's.
std::string short_name(const std::string &command) {
    std::string name = fs::path(command).filename().string();
    for (char &c : name) {
        const bool plain =
            std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' || c == '+';
        c = plain ? c : '_';
    }
    constexpr std::size_t longest = 100;
    return name.empty() ? "run" : name.substr(0, longest);
}

/// The name of the n-th run's file.
std::string flk_name(unsigned n) { return n == 1 ? "run.flk" : "run." + std::to_string(n) + ".flk"; }

bool is_there(const std::string &path) {
    struct stat facts {};
    return lstat(path.c_str(), &facts) == 0; // a link to an arena that is gone counts too
}

std::string absolute(const std::string &path) {
    std::error_code error;
    const fs::path result = fs::canonical(path, error);
    if (error) {
        fail("cannot use the directory " + path, error.value(), "name another one with -o");
    }
    if (result.native().size() >= record::max_path_bytes - 32) {
        fail("cannot use the directory " + path, ENAMETOOLONG, "name a shorter one with -o");
    }
    return result.native();
}

std::string free_name(const std::string &directory) {
    unsigned n = 1;
    while (is_there(directory + "/" + flk_name(n))) {
        ++n;
    }
    return flk_name(n);
}

/// Makes the directory; false where there is one already.
bool make(const std::string &path) {
    if (mkdir(path.c_str(), 0777) == 0) {
        return true;
    }
    const int error = errno;
    struct stat facts {};
    if (error == EEXIST && stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) {
        return false;
    }
    fail("cannot make the directory " + path, error == EEXIST ? ENOTDIR : error,
         error == ENOENT ? "make the one above it first" : "name another one with -o");
}

} // namespace

RunDirectory take_run_directory(const std::optional<std::string> &wanted, bool add,
                                const std::string &command) {
    RunDirectory result;
    std::string path = wanted.value_or("");
    if (wanted) {
        result.made = make(path);
    } else {
        const std::string base =
            std::string(default_prefix) + short_name(command) + "-" + std::to_string(getpid());
        path = base;
        for (unsigned n = 2; !make(path); ++n) { // a process number that came round again
            path = base + "." + std::to_string(n);
        }
        result.made = true;
    }
    result.path = absolute(path);
    result.add = add;
    result.flk_name = free_name(result.path);
    if (result.flk_name != flk_name(1) && !add) {
        throw Failure(status_failed_run,
                      path + " holds a run already; name another directory with -o, or add to it with --add");
    }
    return result;
}

void link_arena(RunDirectory *directory, const record::RunIdentity &run) {
    std::array<char, record::max_arena_path_bytes> arena;
    record::write_arena_path(run, arena.data());
    while (symlink(arena.data(), (directory->path + "/" + directory->flk_name).c_str()) != 0) {
        const int error = errno;
        if (error == EEXIST && directory->add) {
            directory->flk_name = free_name(directory->path);
            continue;
        }
        if (directory->made) {
            rmdir(directory->path.c_str());
        }
        fail("cannot write to " + directory->path, error, "name a directory that you may write to with -o");
    }
}

void restore_run_directory(const RunDirectory &directory, const record::RunIdentity &run) {
    if (is_there(directory.path + "/" + directory.flk_name)) {
        return;
    }
    std::error_code error;
    fs::create_directories(directory.path, error);
    if (error) {
        std::array<char, record::max_arena_path_bytes> arena;
        record::write_arena_path(run, arena.data());
        fail("cannot make the directory " + directory.path + " anew", error.value(),
             std::string("the recording is kept in ") + arena.data());
    }
    RunDirectory anew{directory.path, directory.flk_name};
    link_arena(&anew, run);
}

void abandon_run_directory(const RunDirectory &directory) {
    unlink((directory.path + "/" + directory.flk_name).c_str());
    if (directory.made) {
        rmdir(directory.path.c_str());
    }
}

std::string newest_run_directory() {
    std::string newest;
    timespec newest_time{};
    std::error_code error;
    for (const fs::directory_entry &entry : fs::directory_iterator(".", error)) {
        const std::string name = entry.path().filename().string();
        struct stat facts {};
        if (!name.starts_with(default_prefix) || lstat((name + "/run.flk").c_str(), &facts) != 0) {
            continue;
        }
        const timespec &time = facts.st_mtim;
        if (newest.empty() || time.tv_sec > newest_time.tv_sec ||
            (time.tv_sec == newest_time.tv_sec && time.tv_nsec > newest_time.tv_nsec)) {
            newest = name;
            newest_time = time;
        }
    }
    if (newest.empty()) {
        throw Failure(status_failed_report,
                      "there is no flockstat-* directory with a run in the working directory; name the "
                      "run's directory: flockstat report DIR");
    }
    return newest;
}

} // namespace flockstat::cli
