#include "reporter/write/python_names.h"

#include "reporter/write/short_path.h"

#include <array>
#include <fmt/format.h>
#include <string_view>

namespace flockstat::reporter {
namespace {

/// The part of a path that says which module it is.
std::string_view module_path(std::string_view path) {
    constexpr std::array<std::string_view, 2> package_folders{"/site-packages/", "/dist-packages/"};
    for (const std::string_view folder : package_folders) {
        if (const std::size_t at = path.rfind(folder); at != std::string_view::npos) {
            return path.substr(at + folder.size());
        }
    }
    // The standard library: lib/python3.11/asyncio/runners.py.
    constexpr std::string_view library = "/lib/python";
    if (const std::size_t at = path.rfind(library); at != std::string_view::npos) {
        if (const std::size_t end = path.find('/', at + library.size()); end != std::string_view::npos) {
            return path.substr(end + 1);
        }
    }
    return base_name(path);
}

} // namespace

std::string python_place(const SourceFrame &frame) {
    std::string place(module_path(frame.file));
    if (frame.line != 0) {
        place += fmt::format(":{}", frame.line);
    }
    return place;
}

std::string python_frame_name(const SourceFrame &frame) {
    const std::string_view name = frame.function;
    return fmt::format("{} {}", python_place(frame), name.substr(name.rfind('.') + 1));
}

bool starts_python_threads(const SourceFrame &frame) {
    return base_name(frame.file) == "threading.py" &&
           (frame.function == "Thread._bootstrap" || frame.function == "Thread._bootstrap_inner");
}

} // namespace flockstat::reporter
