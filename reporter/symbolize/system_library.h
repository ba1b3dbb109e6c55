/// Which modules say nothing about the program.
#pragma once

#include <string_view>

namespace flockstat::reporter {

/// The C library, its threads and loader, and ourselves, by a module's path: how a lock call gets to the
/// kernel, and what starts programs and threads.
[[nodiscard]] bool is_system_library(std::string_view module);

} // namespace flockstat::reporter
