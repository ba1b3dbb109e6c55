/// A child of vfork, or of clone(CLONE_VM | CLONE_VFORK), runs in its parent's memory while the thread that
/// made it waits. Its descriptors and posix locks are its own, so what it does with them concerns nobody
/// here; but the open file descriptions are its parent's too, and with them the flock and ofd locks.
#pragma once

#include "shim/operation.h"

namespace flockstat::shim {

/// Records a lock call that such a child made, as its parent's, where the parent knows the open file
/// description; otherwise counts it as lost. The child's part of apply(): async-signal-safe.
[[gnu::cold]] void apply_for_parent(const Operation &operation);

} // namespace flockstat::shim
