// Return addresses -> functions, files and lines; addr2line says what is true.
#include "reporter/symbolize/elf_module.h"
#include "reporter/symbolize/function_name.h"
#include "reporter/symbolize/perf_map.h"
#include "reporter/symbolize/symbolize.h"
#include "tests/support/command.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>
#include <fstream>
#include <link.h>
#include <random>
#include <sstream>
#include <thread>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::reporter;

namespace outer_space {

template<typename Type>
struct Place {
    /// The address that this call returns to.
    [[gnu::noinline]] static void *here() { return __builtin_return_address(0); }
};

[[gnu::always_inline]] inline void *inlined_caller(int *line) {
    *line = __LINE__ + 1;
    void *address = Place<int>::here();
    return address;
}

[[gnu::noinline]] void *real_caller(int *inlined_line, int *line) {
    *line = __LINE__ + 1;
    void *address = inlined_caller(inlined_line);
    asm volatile("" ::"r"(address)); // what follows the call is in this function
    return address;
}

} // namespace outer_space

namespace {

std::uint64_t load_bias() {
    std::uint64_t bias = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *out) {
            *static_cast<std::uint64_t *>(out) = info->dlpi_addr;
            return 1; // the program itself comes first
        },
        &bias);
    return bias;
}

std::string own_file() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

CodePlace own_place(const void *address) {
    CodePlace place;
    place.module = own_file();
    place.offset = reinterpret_cast<std::uint64_t>(address) - load_bias();
    return place;
}

/// A small program with debug information and inlining, made by the compiler that is there.
std::filesystem::path make_program(const test::TempDirectory &directory, const std::string &flags) {
    test::write_file(directory / "small.c",
                     "#include <stdio.h>\n"
                     "static inline __attribute__((always_inline)) int twice(int x) {\n"
                     "    return printf(\"%d\", 2 * x);\n"
                     "}\n"
                     "__attribute__((noinline)) int outer(int x) {\n"
                     "    return twice(x) + 1;\n"
                     "}\n"
                     "int main(int n, char **v) {\n"
                     "    (void)v;\n"
                     "    return outer(n) + 1;\n"
                     "}\n");
    const auto program = directory / "small";
    const std::string command = fmt::format("gcc -g -O1 -no-pie {} -o '{}' '{}'", flags, program.string(),
                                            (directory / "small.c").string());
    REQUIRE(std::system(command.c_str()) == 0);
    return program;
}

struct CodeRange {
    std::uint64_t start, size;
};

/// Where nm says that a function is.
CodeRange find_function(const std::filesystem::path &program, const std::string &name) {
    const test::Outcome symbols = test::run_command({.argv = {"nm", "-S", program.string()}});
    std::istringstream lines(symbols.out);
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with(" " + name)) {
            return {std::stoull(line.substr(0, 16), nullptr, 16),
                    std::stoull(line.substr(17, 16), nullptr, 16)};
        }
    }
    FAIL("nm does not know " << name);
    return {};
}

} // namespace

TEST_CASE("a call that was inlined is shown with what it was inlined into") {
    int inlined_line = 0;
    int line = 0;
    const void *address = outer_space::real_caller(&inlined_line, &line);
    Symbolizer symbolizer;
    const std::vector<SourceFrame> &frames = symbolizer.frames(own_place(address));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].function == "outer_space::inlined_caller(int*)");
    CHECK(frames[0].line == static_cast<unsigned>(inlined_line));
    CHECK(frames[0].file.ends_with("tests/unit/symbolize_test.cpp"));
    CHECK(frames[0].inlined);
    CHECK(frames[1].function == "outer_space::real_caller(int*, int*)");
    CHECK(frames[1].line == static_cast<unsigned>(line));
    CHECK_FALSE(frames[1].inlined);
    CHECK(frames[1].module == own_file());
    CHECK(frames[1].offset == own_place(address).offset);
}

TEST_CASE("every address of a function has the names and lines that addr2line gives it") {
    const test::TempDirectory directory;
    const std::string flags =
        GENERATE(as<std::string>(), "", "-gdwarf-4", "-gz", "-gdwarf-5 -fno-dwarf2-cfi-asm");
    INFO(flags);
    const auto program = make_program(directory, flags);
    const CodeRange outer = find_function(program, "outer");
    ElfModule module(program, "");
    bool saw_inlined = false;
    for (std::uint64_t address = outer.start; address < outer.start + outer.size; ++address) {
        const test::Outcome truth = test::run_command(
            {.argv = {"addr2line", "-i", "-f", "-e", program.string(), fmt::format("{:#x}", address)}});
        std::string ours;
        for (const SourceFrame &frame : module.functions_at(address)) {
            ours += fmt::format("{}\n{}:{}\n", frame.function, frame.file, frame.line);
            saw_inlined = saw_inlined || frame.inlined;
        }
        // addr2line adds which of several pieces of a line it is.
        std::string theirs = truth.out;
        for (std::size_t at = theirs.find(" (discriminator"); at != std::string::npos;
             at = theirs.find(" (discriminator")) {
            theirs.erase(at, theirs.find('\n', at) - at);
        }
        CHECK(ours == theirs);
    }
    CHECK(saw_inlined);
}

TEST_CASE("debug information that stands apart is found by its link") {
    const test::TempDirectory directory;
    const auto program = make_program(directory, "");
    const std::string strip =
        fmt::format("cd '{}' && objcopy --only-keep-debug small small.debug && strip small && "
                    "objcopy --add-gnu-debuglink=small.debug small",
                    directory.path().string());
    const CodeRange outer = find_function(program, "outer");
    REQUIRE(std::system(strip.c_str()) == 0);
    ElfModule module(program, "");
    const auto functions = module.functions_at(outer.start);
    REQUIRE(!functions.empty());
    CHECK(functions.back().function == "outer");
    CHECK(functions.back().file.ends_with("small.c"));
}

TEST_CASE("without debug information the symbol table gives the function") {
    const test::TempDirectory directory;
    const auto program = make_program(directory, "-g0");
    const CodeRange outer = find_function(program, "outer");
    Symbolizer symbolizer;
    CodePlace place;
    place.module = program;
    place.offset =
        outer.start + outer.size; // the last call's return address may be the next function's start
    const auto &frames = symbolizer.frames(place);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].function == "outer");
    CHECK(frames[0].file.empty());
    CHECK(frames[0].line == 0);
}

TEST_CASE("a quick answer has names alone of the C library, and lines of the program") {
    const test::TempDirectory directory;
    const auto program = make_program(directory, "");
    const auto library = directory / "libc.so.6";
    std::filesystem::copy_file(program, library);
    const CodeRange outer = find_function(program, "outer");
    Symbolizer symbolizer({}, Detail::program_lines);
    CodePlace place;
    place.offset = outer.start + outer.size;
    place.module = program;
    CHECK(symbolizer.frames(place).back().file.ends_with("small.c"));
    place.module = library;
    const auto &frames = symbolizer.frames(place);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].function == "outer");
    CHECK(frames[0].module == library);
    CHECK(frames[0].file.empty());
}

TEST_CASE("a stripped library's exported functions have names") {
    Dl_info info{};
    REQUIRE(::dladdr(reinterpret_cast<void *>(&::getppid), &info) != 0);
    CodePlace place;
    place.module = info.dli_fname;
    place.offset =
        reinterpret_cast<std::uint64_t>(&::getppid) - reinterpret_cast<std::uint64_t>(info.dli_fbase) + 1;
    Symbolizer symbolizer;
    CHECK(symbolizer.frames(place).back().function.find("getppid") != std::string::npos);
}

TEST_CASE("a file that is not the one that ran gives no names") {
    const test::TempDirectory directory;
    const auto program = make_program(directory, "-Wl,--build-id=0x0123456789abcdef");
    const std::uint64_t address = find_function(program, "outer").start + 1;
    const std::string build_id = "\x01\x23\x45\x67\x89\xab\xcd\xef";
    CHECK(ElfModule(program, build_id).functions_at(address).size() == 1);
    CHECK(ElfModule(program, "").functions_at(address).size() == 1);
    CHECK(ElfModule(program, "another").functions_at(address).empty());
    CHECK(ElfModule(directory / "missing", build_id).functions_at(address).empty());
    CHECK(ElfModule("/dev/zero", "").functions_at(address).empty());
    CHECK(ElfModule(directory.path(), "").functions_at(address).empty());
    Symbolizer symbolizer;
    CodePlace place{program, "another", address, 0, 0};
    const auto &frames = symbolizer.frames(place);
    REQUIRE(frames.size() == 1); // what is known stays: where it was
    CHECK(frames[0].module == program);
    CHECK(frames[0].offset == address);
    CHECK(frames[0].function.empty());
}

TEST_CASE("damaged programs are survived") {
    const test::TempDirectory directory;
    const auto program = make_program(directory, "");
    const std::string whole = test::read_file(program);
    const CodeRange outer = find_function(program, "outer");
    const auto damaged = directory / "damaged";
    std::mt19937 random(11);
    for (int round = 0; round < 400; ++round) {
        std::string bytes = whole;
        if (round % 4 == 0) {
            bytes.resize(random() % bytes.size());
        } else {
            // The headers at both ends, or anything.
            const std::size_t hits = 1 + random() % 40;
            for (std::size_t hit = 0; hit < hits; ++hit) {
                const std::size_t span = round % 4 == 1 ? 1024 : bytes.size();
                const std::size_t at = round % 4 == 2 ? bytes.size() - 1 - random() % 2048 : random() % span;
                bytes[at] = static_cast<char>(random());
            }
        }
        test::write_file(damaged, bytes);
        ElfModule module(damaged, "");
        for (std::uint64_t address = outer.start - 40; address < outer.start + 60; address += 5) {
            CHECK(module.functions_at(address).size() < 100);
        }
        CHECK(module.functions_at(UINT64_MAX).size() < 2);
    }
}

TEST_CASE("code of a just-in-time compiler has the names of its map") {
    const test::TempDirectory directory;
    const auto file = directory / "perf.map";
    test::write_file(file, "7f0000001000 100 LazyCompile:*serve /srv/app.js:12\n"
                           "broken line\n"
                           "0x7f0000002000 10 second\n"
                           "7f0000003000 20\n");
    const PerfMap map(file, 0);
    CHECK(map.name_at(0x7f0000001000) == "LazyCompile:*serve /srv/app.js:12");
    CHECK(map.name_at(0x7f00000010ff) == "LazyCompile:*serve /srv/app.js:12");
    CHECK(map.name_at(0x7f0000001100).empty());
    CHECK(map.name_at(0x7f000000200f) == "second");
    CHECK(map.name_at(0x7f0000003001).empty());
    CHECK(map.name_at(0).empty());
    const auto in_an_hour = std::chrono::system_clock::now().time_since_epoch() + std::chrono::hours(1);
    CHECK(PerfMap(file, std::chrono::nanoseconds(in_an_hour).count()).name_at(0x7f0000001000).empty());
    CHECK(PerfMap(directory / "missing", 0).name_at(1).empty());
}

TEST_CASE("frames without a module ask the map of their process") {
    const std::string file = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
    test::write_file(file, "1000 10 jitted\n");
    Symbolizer symbolizer;
    const auto &frames = symbolizer.frames(CodePlace{"", "", 0x1010, ::getpid(), 0});
    std::filesystem::remove(file);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].function == "jitted");
    CHECK(frames[0].offset == 0x1010);
}

TEST_CASE("looking up says how far it is only when it takes long") {
    std::vector<std::size_t> said;
    Symbolizer quick([&](std::size_t done, std::size_t) { said.push_back(done); });
    std::vector<CodePlace> places(50);
    for (std::size_t i = 0; i < places.size(); ++i) {
        places[i].offset = i + 1;
    }
    quick.look_up(places);
    CHECK(said.empty());
}

TEST_CASE("symbols are demangled where they are C++ names") {
    CHECK(function_name("_ZN3fooC1Ev") == "foo::foo()");
    CHECK(function_name("f") == "f");
    CHECK(function_name("flock@@GLIBC_2.2.5") == "flock");
    CHECK(function_name("_Zbroken") == "_Zbroken");
}
