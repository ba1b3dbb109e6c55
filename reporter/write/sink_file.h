/// A file that a sink appends to.
#pragma once

#include <filesystem>
#include <string_view>

namespace flockstat::reporter {

/// Writes all of it. 0, or an errno: then a part of it may be written.
[[nodiscard]] int write_all(int descriptor, std::string_view bytes);

/// Whose file it is.
enum class FileKind {
    of_user, ///< who said where: an existing one is replaced, or is a link, a pipe or a device
    of_run   ///< its own: made anew, for its user alone; a link of that name is not followed
};

/// Buffers what is added until flush(), which writes all of it or, where there is no room, nothing. Throws
/// SinkError.
class SinkFile {
public:
    SinkFile(std::filesystem::path file, FileKind kind);
    SinkFile(const SinkFile &) = delete;
    SinkFile &operator=(const SinkFile &) = delete;
    ~SinkFile();

    void add(std::string_view bytes);
    void flush();

private:
    [[noreturn]] void fail(const std::string &why) const;

    std::filesystem::path file_;
    std::string pending_;
    int descriptor_;
};

} // namespace flockstat::reporter
