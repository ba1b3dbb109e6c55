/// Paths that must fit.
#pragma once

#include <string>
#include <string_view>

namespace flockstat::reporter {

/// A path in so many columns, by leaving out leading directories: ".../cache/app.db". The last two names
/// identify a file and always stay whole, even where they do not fit; so does the host of HOST:/PATH. `path`
/// is printable text.
[[nodiscard]] std::string short_path(std::string_view path, std::size_t columns);

/// The part behind the last slash.
[[nodiscard]] std::string_view base_name(std::string_view path);

} // namespace flockstat::reporter
