/// Which descriptors this process opened itself: the numbers that were free when it began, until something
/// makes a descriptor there that it did not open. Private memory; any context, errno untouched.
#pragma once

namespace flockstat::shim {

/// In the constructor, and in a child of fork: which numbers are free. 64 times F_GETFD, some microseconds.
void find_free_numbers();

/// A descriptor that was not opened here, or a duplicate of one, may stand under this number from now on.
void doubt_origin(int number);

/// Was the descriptor under a number surely opened by this process? A number that it closed says more
/// (closed_epoch in open_file.cpp).
[[nodiscard]] bool is_made_here(int descriptor);

} // namespace flockstat::shim
