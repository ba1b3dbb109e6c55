/// Names of functions as a person reads them.
#pragma once

#include <string>

namespace flockstat::reporter {

/// The name that a symbol stands for: demangled where it is a C++ name (Rust's older names are too), without
/// a symbol version.
[[nodiscard]] std::string function_name(const std::string &symbol);

} // namespace flockstat::reporter
