#include "tests/support/places.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace flockstat::test {

namespace fs = std::filesystem;

namespace {

fs::path temporary_parent() {
    const char *named = std::getenv("TMPDIR");
    return named != nullptr && *named != '\0' ? named : "/tmp";
}

} // namespace

fs::path build_directory() {
    const char *named = std::getenv("FLOCKSTAT_BUILD");
    return fs::absolute(named != nullptr && *named != '\0' ? named : "build");
}

fs::path shim_path() { return build_directory() / "libflockstat.so"; }

fs::path flockstat_path() { return build_directory() / "flockstat"; }

fs::path program_source(const std::string &file) { return fs::absolute("tests/programs") / file; }

fs::path program(const std::string &name) {
    fs::path built = build_directory() / "tests" / "programs" / name;
    if (!fs::exists(built))
        throw std::runtime_error("no " + built.string() + ": build it with `make e2e`");
    return built;
}

TempDirectory::TempDirectory() : TempDirectory(temporary_parent()) {}

TempDirectory::TempDirectory(const fs::path &parent) {
    std::string pattern = (fs::canonical(parent) / "flockstat-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("cannot make a directory in " + parent.string());
    path_ = pattern;
}

TempDirectory::~TempDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path &file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        throw std::runtime_error("cannot read " + file.string());
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

void write_file(const fs::path &file, const std::string &text) {
    std::ofstream stream(file, std::ios::binary);
    stream << text;
    if (!stream.flush())
        throw std::runtime_error("cannot write " + file.string());
}

} // namespace flockstat::test
