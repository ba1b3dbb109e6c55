/// What an exec will close, and which regions end with it.
#pragma once

namespace flockstat::shim {

/// Notes in the arena, for each region that this process holds, whether the exec that is about to happen ends
/// it: its open file description has close-on-exec descriptors only, or, for a posix lock, any descriptor of
/// the file is one. The reader applies it where the exec came about. Descriptors that were never used in a
/// lock call or duplicated from such a one are not known. Called inside the bookkeeping; asks F_GETFD of
/// known descriptors.
void note_closes_at_exec();

} // namespace flockstat::shim
