#include "tests/support/places.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/support/command.h"

namespace flockstat::test {

namespace fs = std::filesystem;

namespace {

// `-pthread` and `-g` for all: programs are small, and sites want line numbers.
std::vector<std::string> compiler_arguments(const fs::path& source, const fs::path& target) {
    std::vector<std::string> arguments = {source.extension() == ".cpp" ? "c++" : "cc", "-g", "-O1", "-pthread"};
    std::ifstream file(source);
    std::string first;
    std::getline(file, first);
    const std::string mark = "// flags: ";
    if (first.starts_with(mark)) {
        std::istringstream flags(first.substr(mark.size()));
        for (std::string flag; flags >> flag;) arguments.push_back(flag);
    }
    for (const std::string& argument : {std::string("-o"), target.string(), source.string()}) {
        arguments.push_back(argument);
    }
    return arguments;
}

bool is_current(const fs::path& target, const fs::path& source) {
    if (!fs::exists(target)) return false;
    const fs::file_time_type made = fs::last_write_time(target);
    if (fs::last_write_time(source) >= made) return false;
    for (const fs::directory_entry& entry : fs::directory_iterator(source.parent_path())) {
        if (entry.path().extension() == ".h" && entry.last_write_time() >= made) return false;
    }
    return true;
}

fs::path temporary_parent() {
    const char* named = std::getenv("TMPDIR");
    return named != nullptr && *named != '\0' ? named : "/tmp";
}

}  // namespace

fs::path build_directory() {
    const char* named = std::getenv("FLOCKSTAT_BUILD");
    return fs::absolute(named != nullptr && *named != '\0' ? named : "build");
}

fs::path shim_path() {
    return build_directory() / "libflockstat.so";
}

fs::path flockstat_path() {
    return build_directory() / "flockstat";
}

fs::path program_source(const std::string& file) {
    return fs::absolute("tests/programs") / file;
}

fs::path program(const std::string& name) {
    fs::path source = program_source(name + ".c");
    if (!fs::exists(source)) source = program_source(name + ".cpp");
    const fs::path directory = build_directory() / "tests" / "programs";
    const fs::path target = directory / name;
    if (is_current(target, source)) return target;
    fs::create_directories(directory);
    // Written aside: another test process may be running the old one.
    const fs::path aside = directory / (name + ".new");
    Command compile;
    compile.argv = compiler_arguments(source, aside);
    const Outcome outcome = run_command(compile);
    if (outcome.status != 0) throw std::runtime_error("cannot compile " + source.string() + ":\n" + outcome.err);
    fs::rename(aside, target);
    return target;
}

TempDirectory::TempDirectory() : TempDirectory(temporary_parent()) {}

TempDirectory::TempDirectory(const fs::path& parent) {
    std::string pattern = (fs::canonical(parent) / "flockstat-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + parent.string());
    path_ = pattern;
}

TempDirectory::~TempDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + file.string());
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

void write_file(const fs::path& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary);
    stream << text;
    if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace flockstat::test
