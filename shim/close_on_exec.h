/// What an exec will close, and what of the regions the new image will have.
#pragma once

#include "shim/thread_state.h"

namespace flockstat::shim {

/// The exec that is about to happen: notes in the arena which regions of this process end with it (an open
/// file description with close-on-exec descriptors only; posix locks of which any descriptor of the file is
/// one); leaves those to a co-holder where there is one, and what goes on to the new image. The reader
/// applies it where the exec came about; where it did not, adopt_handovers takes it back. Descriptors that
/// were never used in a lock call or duplicated from such a one are not known. Called inside the bookkeeping;
/// asks F_GETFD of known descriptors.
void leave_to_next_image(ThreadState &thread);

} // namespace flockstat::shim
