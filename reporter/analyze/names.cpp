#include "reporter/analyze/names.h"

#include "reporter/record/names.h"

#include <cstring>
#include <fmt/format.h>

namespace flockstat::reporter {

std::string error_name(int error) {
    if (error == 0) {
        return "other";
    }
    const char *name = ::strerrorname_np(error);
    return name != nullptr ? name : std::to_string(error);
}

std::string filesystem_name(std::uint32_t type) {
    const std::string_view name = record::name_of(type, record::filesystem_names);
    return name.empty() ? fmt::format("{:#x}", type) : std::string(name);
}

} // namespace flockstat::reporter
