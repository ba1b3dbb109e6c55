/// Which module of the arena an address belongs to: remembered, because naming a module takes system calls.
#pragma once

#include "reporter/record/arena.h"

#include <cstdint>

namespace flockstat::shim {

/// One thread's; not reentrant. Forgets all when `unloads` (dlclose calls so far) changes.
class ModuleCache {
public:
    /// Where `address` is: the module's record and the ELF virtual address; module 0 and the address itself
    /// where it is in none. Interns the module at its first use.
    [[nodiscard]] record::Frame locate(std::uintptr_t address, std::uint32_t unloads);

private:
    struct Entry {
        std::uintptr_t start, end, load_bias;
        record::Ref module;
    };
    static constexpr unsigned capacity = 32;
    [[nodiscard]] const Entry *learn(std::uintptr_t address);

    Entry entries_[capacity] = {};
    unsigned count_ = 0; ///< ever learned; the oldest is overwritten
    std::uint32_t seen_unloads_ = 0;
};

} // namespace flockstat::shim
