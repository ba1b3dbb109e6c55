/// FLOCKSTAT_INCLUDE and FLOCKSTAT_EXCLUDE: globs that decide which files are recorded. Pure. (fnmatch of
/// libc is not async-signal-safe: it reads the locale and may allocate.)
#pragma once

#include <string_view>

namespace flockstat::shim {

/// Does a shell pattern match all of `text`? `*` any characters, `/` too; `?` one byte; `[a-z]`, `[!a-z]` one
/// byte of a set; `\` takes the next byte as it is.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);

/// Is a path recorded? It must match one of the globs of `include`, where there are any, and none of
/// `exclude`. Lists are separated by ':'.
[[nodiscard]] bool is_included(std::string_view include, std::string_view exclude, std::string_view path);

} // namespace flockstat::shim
