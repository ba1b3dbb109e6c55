/// Names of functions, short enough for a line with several of them.
#pragma once

#include <string>
#include <string_view>

namespace flockstat::reporter {

/// A demangled name without its parameters, return type and template arguments: "void
/// db::Table<int>::put(int) const" becomes "db::Table<>::put". Hashes at the end of Rust's names go too.
/// Names that are not understood stay as they are.
[[nodiscard]] std::string short_function(std::string_view name);

} // namespace flockstat::reporter
