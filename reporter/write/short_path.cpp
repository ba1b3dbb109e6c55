#include "reporter/write/short_path.h"

#include "reporter/write/printable.h"

namespace flockstat::reporter {

std::string short_path(std::string_view path, std::size_t columns) {
    constexpr std::string_view left_out = "...";
    const std::size_t base = path.rfind('/');
    const std::size_t parent = base == std::string_view::npos || base == 0 ? 0 : path.rfind('/', base - 1);
    if (display_width(path) <= columns || parent == 0 || parent == std::string_view::npos) {
        return std::string(path);
    }
    std::size_t cut = path.find('/', 1);
    while (cut < parent && display_width(path.substr(cut)) + left_out.size() > columns) {
        cut = path.find('/', cut + 1);
    }
    return std::string(left_out).append(path.substr(cut));
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

} // namespace flockstat::reporter
