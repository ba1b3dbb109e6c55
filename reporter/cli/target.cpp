#include "reporter/cli/target.h"

#include <cstring>
#include <elf.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half our_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half our_machine = EM_AARCH64;
#endif

constexpr std::size_t longest_interpreter = 4096;
constexpr Elf64_Half most_program_headers = 512;

bool is_runnable(const std::string &file) {
    struct stat facts {};
    return stat(file.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && access(file.c_str(), X_OK) == 0;
}

/// The kernel then sets AT_SECURE, and the dynamic linker ignores LD_PRELOAD with a slash in it (man 8
/// ld.so).
bool changes_privileges(const std::string &file) {
    struct stat facts {};
    if (stat(file.c_str(), &facts) != 0) {
        return false;
    }
    const bool user = (facts.st_mode & S_ISUID) != 0 && facts.st_uid != getuid();
    const bool group =
        (facts.st_mode & S_ISGID) != 0 && (facts.st_mode & S_IXGRP) != 0 && facts.st_gid != getgid();
    return user || group || (getuid() != 0 && getxattr(file.c_str(), "security.capability", nullptr, 0) > 0);
}

/// The program that the first line of a script names; empty where the file is no script.
std::string script_interpreter(std::istream &file) {
    std::string line;
    if (file.get() != '#' || file.get() != '!') {
        return {};
    }
    char c = 0;
    while (line.size() < longest_interpreter && file.get(c) && c != '\n') {
        line.push_back(c);
    }
    const std::size_t start = line.find_first_not_of(" \t");
    return start == std::string::npos ? std::string()
                                      : line.substr(start, line.find_first_of(" \t\r", start) - start);
}

/// PT_INTERP of a 64-bit ELF file: the dynamic linker's path; empty where there is none.
std::string dynamic_linker(std::istream &file, const Elf64_Ehdr &header) {
    for (Elf64_Half i = 0; i < header.e_phnum && i < most_program_headers; ++i) {
        Elf64_Phdr segment{};
        file.seekg(static_cast<std::streamoff>(header.e_phoff + std::uint64_t{i} * header.e_phentsize));
        if (!file.read(reinterpret_cast<char *>(&segment), sizeof segment)) {
            return {};
        }
        if (segment.p_type == PT_INTERP && segment.p_filesz > 0 && segment.p_filesz <= longest_interpreter) {
            std::string path(segment.p_filesz, '\0');
            file.seekg(static_cast<std::streamoff>(segment.p_offset));
            file.read(path.data(), static_cast<std::streamsize>(path.size()));
            return path.c_str(); // it is NUL-terminated in the file
        }
    }
    return {};
}

std::optional<std::string> judge_elf(const std::string &file, std::istream &content) {
    Elf64_Ehdr header{};
    content.clear();
    content.seekg(0);
    if (!content.read(reinterpret_cast<char *>(&header), sizeof header) ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return std::nullopt; // for the kernel to judge
    }
    if (header.e_ident[EI_CLASS] == ELFCLASS32) {
        return file + " is a 32-bit program: its lock calls will not be seen, only those of 64-bit programs "
                      "that it runs";
    }
    if (header.e_machine != our_machine) {
        return file + " is a program of another processor: its lock calls will not be seen";
    }
    const std::string linker = dynamic_linker(content, header);
    if (linker.empty()) {
        return file +
               " is statically linked, nothing can be preloaded into it: its lock calls will not be seen, "
               "only those of dynamic programs that it runs";
    }
    if (linker.find("ld-musl") != std::string::npos) {
        return file + " is linked with musl, libflockstat.so needs glibc: its lock calls will not be seen";
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> find_command(const std::string &command, const std::string &search_path) {
    if (command.find('/') != std::string::npos) {
        return is_runnable(command) ? std::optional(command) : std::nullopt;
    }
    for (std::size_t start = 0; start <= search_path.size() && !command.empty();) {
        std::size_t end = search_path.find(':', start);
        end = end == std::string::npos ? search_path.size() : end;
        const std::string directory = end == start ? "." : search_path.substr(start, end - start);
        if (const std::string file = directory + "/" + command; is_runnable(file)) {
            return file;
        }
        start = end + 1;
    }
    return std::nullopt;
}

std::optional<std::string> why_not_preloadable(const std::string &file) {
    std::ifstream content(file, std::ios::binary);
    const std::string interpreter = script_interpreter(content);
    if (!interpreter.empty()) { // the kernel ignores the set-user-ID bit of a script
        content.close();
        content.open(interpreter, std::ios::binary);
    }
    const std::string &program = interpreter.empty() ? file : interpreter;
    if (changes_privileges(program)) {
        return program +
               " is set-user-ID or gains privileges otherwise, so nothing may be preloaded into it: its lock "
               "calls will not be seen; run flockstat as the user that it changes to";
    }
    return judge_elf(program, content);
}

} // namespace flockstat::cli
