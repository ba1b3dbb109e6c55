/// Files whose open file descriptions something else than a descriptor of a known process may keep: a message
/// that is under way, a process that nobody expects to have one, a mapping. In the arena, by file: false
/// alarms are possible, and seldom. Async-signal-safe; errno untouched.
#pragma once

#include "shim/locked_file.h"

namespace flockstat::shim {

/// The descriptor was put into a message, taken from one, or taken from another process: others may have it,
/// and nothing is known of where it comes from.
void note_passed(int descriptor);

/// Was that done with a descriptor of this file, by any process of the run?
[[nodiscard]] bool was_passed(const FileIdentity &file);

/// The descriptor was given to mmap. Notes nothing where it is surely this process's alone.
void note_mapped(int descriptor);

/// A file that this process has mapped, and its children perhaps too.
void note_mapped_file(const FileIdentity &file);

/// Did any process of the run map it that shares descriptors?
[[nodiscard]] bool was_mapped(const FileIdentity &file);

} // namespace flockstat::shim
