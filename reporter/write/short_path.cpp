#include "reporter/write/short_path.h"

#include "reporter/write/printable.h"

#include <algorithm>

namespace flockstat::reporter {

std::string short_path(std::string_view path, std::size_t columns) {
    const std::size_t colon = path.find(":/");
    if (colon < path.find('/')) {
        const std::string_view host = path.substr(0, colon + 1);
        const std::size_t room = columns - std::min(columns, display_width(host));
        return std::string(host).append(short_path(path.substr(colon + 1), room));
    }
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
