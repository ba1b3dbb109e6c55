#pragma once

#include <filesystem>
#include <string>

namespace flockstat::test {

/// The build directory: FLOCKSTAT_BUILD, else `build` under the current directory. Absolute.
[[nodiscard]] std::filesystem::path build_directory();

/// The preloaded shared object and the command under test.
[[nodiscard]] std::filesystem::path shim_path();
[[nodiscard]] std::filesystem::path flockstat_path();

/// The source of a test program: tests/programs/`file` under the current directory. Absolute.
[[nodiscard]] std::filesystem::path program_source(const std::string &file);

/// The executable that was built from tests/programs/`name`.c or .cpp. Throws std::runtime_error where there
/// is none.
[[nodiscard]] std::filesystem::path program(const std::string &name);

/// A fresh directory under $TMPDIR or /tmp, removed with all it holds at the end. Its path has no symbolic
/// links, because the paths in a report have none.
class TempDirectory {
public:
    TempDirectory();
    explicit TempDirectory(const std::filesystem::path &parent);
    ~TempDirectory();
    TempDirectory(const TempDirectory &) = delete;
    TempDirectory &operator=(const TempDirectory &) = delete;

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(const std::string &name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// The whole of a file, and a file made of a text. Both throw std::runtime_error naming the file.
[[nodiscard]] std::string read_file(const std::filesystem::path &file);
void write_file(const std::filesystem::path &file, const std::string &text);

} // namespace flockstat::test
