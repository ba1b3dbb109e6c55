/// Memory of flockstat's own inside the program: straight from the kernel, so that malloc may be the caller.
#pragma once

#include <cstddef>

namespace flockstat::shim {

/// Zeroed pages, or nullptr. Async-signal-safe; errno untouched.
[[nodiscard]] void *map_pages(std::size_t bytes);

/// Gives pages back. Async-signal-safe; errno untouched.
void unmap_pages(void *pages, std::size_t bytes);

} // namespace flockstat::shim
