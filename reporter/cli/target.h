/// Looks at COMMAND before it starts: can anything be preloaded into it?
#pragma once

#include <optional>
#include <string>

namespace flockstat::cli {

/// Where execvp would find `command` in `search_path` (as PATH); nothing where it is not there or cannot be
/// run.
[[nodiscard]] std::optional<std::string> find_command(const std::string &command,
                                                      const std::string &search_path);

/// Why the dynamic linker will not load libflockstat.so into `file`: one line without a prefix, or nothing
/// where it will (or where that cannot be told). The interpreter of a script is looked at instead of the
/// script, one level deep.
[[nodiscard]] std::optional<std::string> why_not_preloadable(const std::string &file);

} // namespace flockstat::cli
