#include "reporter/symbolize/system_library.h"

#include <algorithm>
#include <array>

namespace flockstat::reporter {

bool is_system_library(std::string_view module) {
    constexpr std::array<std::string_view, 5> starts{"libc.so", "libc-", "libpthread", "ld-linux",
                                                     "libflockstat"};
    const std::string_view name = module.substr(module.rfind('/') + 1);
    return std::ranges::any_of(starts, [&](std::string_view start) { return name.starts_with(start); });
}

} // namespace flockstat::reporter
