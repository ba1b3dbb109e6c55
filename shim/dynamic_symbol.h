/// Symbols of a mapped module, found without the dynamic linker, whose functions take a lock.
#pragma once

#include "shim/module_map.h"

#include <cstdint>
#include <string_view>

namespace flockstat::shim {

struct SymbolAt {
    std::uintptr_t address;
    std::uint64_t bytes;
};

/// The symbol of that name that the module defines and exports, by its GNU hash table (DT_GNU_HASH, which
/// linkers have made since 2006). False where there is none. The module stays loaded meanwhile.
/// Async-signal-safe, never faults.
[[nodiscard]] bool find_dynamic_symbol(const ModuleAt &module, std::string_view name, SymbolAt *out);

} // namespace flockstat::shim
