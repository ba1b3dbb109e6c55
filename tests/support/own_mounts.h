#pragma once

#include <filesystem>
#include <string>

#include "tests/support/command.h"

namespace flockstat::test {

/// `sh -c SCRIPT` in a directory, as root of mounts of its own, so that tiny and odd file systems can be had,
/// and go away by themselves. $SHIM, $FLOCKSTAT, $LOCK (tests/programs/end_by) and $PROGRAMS (where the test
/// programs are) name what it runs.
[[nodiscard]] Command with_own_mounts(const std::string &script, const std::filesystem::path &directory);

} // namespace flockstat::test
