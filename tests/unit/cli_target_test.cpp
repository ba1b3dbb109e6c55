// What is said of a command before it starts.
#include "reporter/cli/target.h"

#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace flockstat::cli;
using flockstat::test::TempDirectory;
namespace fs = std::filesystem;

namespace {

void make_file(const fs::path &file, const std::string &content, fs::perms mode = fs::perms::owner_all) {
    std::ofstream(file, std::ios::binary) << content;
    fs::permissions(file, mode);
}

/// An ELF header, and a program header that names a dynamic linker unless `linker` is empty.
std::string elf_file(unsigned char elf_class, Elf64_Half machine, const std::string &linker) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = elf_class;
    header.e_machine = machine;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = linker.empty() ? 0 : 1;
    Elf64_Phdr segment{};
    segment.p_type = PT_INTERP;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = linker.size() + 1;
    std::string file(reinterpret_cast<const char *>(&header), sizeof header);
    file.append(reinterpret_cast<const char *>(&segment), sizeof segment);
    return file + linker + '\0';
}

bool says(const fs::path &file, const std::string &part) {
    const auto why = why_not_preloadable(file);
    INFO(why.value_or("nothing"));
    return why.has_value() && why->find(part) != std::string::npos;
}

/// The machine that this test was built for, taken from the test itself.
Elf64_Half own_machine() {
    Elf64_Ehdr header{};
    std::ifstream("/proc/self/exe", std::ios::binary).read(reinterpret_cast<char *>(&header), sizeof header);
    return header.e_machine;
}

} // namespace

TEST_CASE("commands are found as execvp finds them") {
    const TempDirectory base;
    fs::create_directories(base / "a");
    fs::create_directories(base / "b" / "tool");
    make_file(base / "a" / "data", "x", fs::perms::owner_read);
    make_file(base / "b" / "data", "x");
    const std::string path =
        (base / "none").string() + ":" + (base / "a").string() + ":" + (base / "b").string();
    CHECK(find_command("data", path) == (base / "b" / "data").string()); // the first one may not be run
    CHECK_FALSE(find_command("tool", path).has_value());                 // a directory
    CHECK_FALSE(find_command("missing", path).has_value());
    CHECK_FALSE(find_command("", path).has_value());
    CHECK(find_command((base / "b" / "data").string(), "") == (base / "b" / "data").string());
    CHECK_FALSE(find_command((base / "c").string(), path).has_value());
}

TEST_CASE("dynamic programs are let through, others are named") {
    const TempDirectory base;
    const fs::path file = base / "program";
    CHECK_FALSE(why_not_preloadable("/proc/self/exe").has_value());
    make_file(file, elf_file(ELFCLASS64, own_machine(), "/lib64/ld-linux.so.2"));
    CHECK_FALSE(why_not_preloadable(file).has_value());
    make_file(file, elf_file(ELFCLASS64, own_machine(), ""));
    CHECK(says(file, "statically linked"));
    make_file(file, elf_file(ELFCLASS64, own_machine(), "/lib/ld-musl-x86_64.so.1"));
    CHECK(says(file, "musl"));
    make_file(file, elf_file(ELFCLASS32, EM_386, "/lib/ld-linux.so.2"));
    CHECK(says(file, "32-bit"));
    make_file(file, elf_file(ELFCLASS64, EM_S390, "/lib/ld64.so.1"));
    CHECK(says(file, "another processor"));
    make_file(file, "");
    CHECK_FALSE(why_not_preloadable(file).has_value());
    make_file(file, elf_file(ELFCLASS64, own_machine(), "/lib/ld.so").substr(0, 70)); // cut off
    CHECK(says(file, "statically linked"));
}

TEST_CASE("the interpreter of a script is looked at instead") {
    const TempDirectory base;
    make_file(base / "static", elf_file(ELFCLASS64, own_machine(), ""));
    make_file(base / "script", "#!  " + (base / "static").string() + " -x\nbody\n",
              fs::perms::owner_all | fs::perms::set_uid);
    CHECK(says(base / "script", (base / "static").string() + " is statically linked"));
    make_file(base / "script", "#!/bin/sh");
    CHECK_FALSE(why_not_preloadable(base / "script").has_value());
    make_file(base / "script", "#!");
    CHECK_FALSE(why_not_preloadable(base / "script").has_value());
}

TEST_CASE("a program of another user with the set-user-ID bit is named") {
    if (geteuid() != 0) {
        WARN("needs root to give a file to another user");
        return;
    }
    const TempDirectory base;
    const fs::path file = base / "program";
    make_file(file, elf_file(ELFCLASS64, own_machine(), "/lib64/ld-linux.so.2"));
    REQUIRE(chown(file.c_str(), 65534, 65534) == 0);
    CHECK_FALSE(why_not_preloadable(file).has_value());
    fs::permissions(file, fs::perms::owner_all | fs::perms::set_uid);
    CHECK(says(file, "set-user-ID"));
    fs::permissions(file, fs::perms::owner_all | fs::perms::group_exec | fs::perms::set_gid);
    CHECK(says(file, "set-user-ID"));
    REQUIRE(chown(file.c_str(), getuid(), getgid()) == 0); // our own gains us nothing
    fs::permissions(file, fs::perms::owner_all | fs::perms::set_uid);
    CHECK_FALSE(why_not_preloadable(file).has_value());
}
