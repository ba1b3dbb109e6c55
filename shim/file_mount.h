/// Which mount a file lies on, for file systems that other hosts may have, too.
#pragma once

#include "shim/locked_file.h"

namespace flockstat::shim {

/// The line of its mount, interned; 0 where the file system (statfs f_type) can only be this host's, and
/// where /proc does not tell. Reads /proc/self/mountinfo at the first file of a mount, and again at one that
/// comes a second later: numbers of mounts are used again. Under the table's lock (open_file.cpp);
/// async-signal-safe.
[[nodiscard]] record::Ref file_mount(int descriptor, const FileIdentity &identity, std::uint32_t filesystem);

} // namespace flockstat::shim
