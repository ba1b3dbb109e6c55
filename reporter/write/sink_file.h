/// A file that a sink appends to.
#pragma once

#include <filesystem>
#include <string_view>

namespace flockstat::reporter {

/// Buffers what is added until flush(). Throws SinkError. Replaces an existing file.
class SinkFile {
public:
    explicit SinkFile(std::filesystem::path file);
    SinkFile(const SinkFile &) = delete;
    SinkFile &operator=(const SinkFile &) = delete;
    ~SinkFile();

    void add(std::string_view bytes);
    void flush();

private:
    std::filesystem::path file_;
    std::string pending_;
    int descriptor_;
};

} // namespace flockstat::reporter
