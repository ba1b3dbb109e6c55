/// Which descriptors were mapped into memory: a mapping keeps the open file description, and with it its
/// flock and ofd locks, after the last close (mm/mmap.c: a mapping holds a reference to the file).
#pragma once

#include "shim/locked_file.h"

namespace flockstat::shim {

/// The descriptor was given to mmap, or duplicated from one that was. Any context.
void mark_mapped(int descriptor);

[[nodiscard]] bool is_marked_mapped(int descriptor);

/// The number is another file's from now on.
void clear_mapped(int descriptor);

/// Is the file mapped into a process's memory now? Reads /proc/PID/maps through a descriptor of our own that
/// is closed again; yes where that cannot be had, unless the process is gone. Slow.
[[nodiscard]] bool has_mapping(const char *maps_path, const FileIdentity &identity);

} // namespace flockstat::shim
