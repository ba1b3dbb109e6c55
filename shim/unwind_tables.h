/// A module's unwind tables, found and searched where they are mapped.
#pragma once

#include "shim/module_map.h"

#include <cstddef>
#include <cstdint>

namespace flockstat::shim {

/// The tables of one module at a time, that of the address last asked for. For one unwinding: it holds on to
/// the module. Async-signal-safe.
class UnwindTables {
public:
    static constexpr std::size_t entry_bytes = 8;

    /// An entry of the search table.
    struct Entry {
        std::uintptr_t address;                  ///< of the entry
        std::uintptr_t base;                     ///< what its two offsets count from
        std::uintptr_t module_start, module_end; ///< as ModuleAt's
    };

    /// The entry of the last function that begins at or below `ip` in the module that holds it. False if
    /// there is no module, or it has no table in the form that linkers write.
    [[nodiscard]] bool find(std::uintptr_t ip, Entry *out);

    /// True if these bytes are part of that module and do not change while it is loaded: they are in a
    /// segment that is readable and not writable. So they can be read without asking.
    [[nodiscard]] bool module_is_constant_at(std::uintptr_t address, std::size_t bytes) const {
        for (unsigned i = 0; i < segment_count_; ++i) {
            if (address >= segments_[i].start && address < segments_[i].end)
                return segments_[i].end - address >= bytes;
        }
        return false;
    }

private:
    struct Segment {
        std::uintptr_t start, end;
    };
    struct TableEntry {
        std::int32_t function, description; // from the start of .eh_frame_hdr
    };
    struct SearchTable {
        const TableEntry *entries;
        std::size_t count;
    };
    static_assert(sizeof(TableEntry) == entry_bytes);
    static constexpr unsigned max_segments = 4;

    bool enter_module(std::uintptr_t address);
    bool take_segments();
    bool find_table(SearchTable *out) const;

    UnwindModule module_ = {};
    Segment segments_[max_segments] = {}; // the first holds the tables
    unsigned segment_count_ = 0;
};

} // namespace flockstat::shim
