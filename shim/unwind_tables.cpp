#include "shim/unwind_tables.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace flockstat::shim {

bool UnwindTables::take_segments() {
    segment_count_ = 0;
    for (std::size_t i = 0; i < module_.headers.count && segment_count_ < max_segments; ++i) {
        const Elf64_Phdr &header = module_.headers.first[i];
        if (header.p_type != PT_LOAD || (header.p_flags & (PF_R | PF_W)) != PF_R) {
            continue;
        }
        const std::uintptr_t start = module_.load_bias + header.p_vaddr;
        const std::uintptr_t end = start + header.p_memsz;
        segments_[segment_count_++] = {start, end};
        if (module_.eh_frame_header >= start && module_.eh_frame_header < end) {
            std::swap(segments_[0], segments_[segment_count_ - 1]);
        }
    }
    return module_is_constant_at(module_.eh_frame_header, sizeof(std::uint32_t));
}

bool UnwindTables::enter_module(std::uintptr_t address) {
    if (address >= module_.start && address < module_.end) {
        return true;
    }
    if (find_unwind_module(address, &module_) && module_.eh_frame_header != 0 && take_segments()) {
        return true;
    }
    module_ = {};
    segment_count_ = 0;
    return false;
}

/// The binary search table of .eh_frame_hdr (Linux Standard Base, "DWARF Extensions"), in the one form that
/// linkers write: a 4-byte count, then pairs of 4-byte offsets from the header, of a function and of its
/// description, sorted.
bool UnwindTables::find_table(SearchTable *out) const {
    constexpr std::uint8_t version = 1;
    constexpr std::uint8_t udata4 = 0x03;
    constexpr std::uint8_t datarel_sdata4 = 0x3b;
    std::uint8_t header[4];
    std::memcpy(header, reinterpret_cast<const void *>(module_.eh_frame_header), sizeof header);
    const std::uint8_t pointer_form = header[1] & 0x07; // of a pointer to .eh_frame, which nobody needs
    if (header[0] != version || (pointer_form != 3 && pointer_form != 4) || header[2] != udata4 ||
        header[3] != datarel_sdata4) {
        return false;
    }
    const std::size_t pointer_bytes = pointer_form == 3 ? 4 : 8;
    const std::uintptr_t count_address = module_.eh_frame_header + sizeof header + pointer_bytes;
    std::uint32_t count = 0;
    if (!module_is_constant_at(count_address, sizeof count)) {
        return false;
    }
    std::memcpy(&count, reinterpret_cast<const void *>(count_address), sizeof count);
    *out = {reinterpret_cast<const TableEntry *>(count_address + sizeof count), count};
    return module_is_constant_at(count_address + sizeof count, count * sizeof(TableEntry));
}

bool UnwindTables::find(std::uintptr_t ip, Entry *out) {
    SearchTable table;
    if (!enter_module(ip) || !find_table(&table)) {
        return false;
    }
    const auto offset = static_cast<std::int64_t>(ip - module_.eh_frame_header);
    const TableEntry *const after = std::upper_bound(
        table.entries, table.entries + table.count, offset,
        [](std::int64_t wanted, const TableEntry &entry) { return wanted < entry.function; });
    if (after == table.entries) {
        return false;
    }
    *out = {.address = reinterpret_cast<std::uintptr_t>(after - 1),
            .base = module_.eh_frame_header,
            .module_start = module_.start,
            .module_end = module_.end};
    return true;
}

} // namespace flockstat::shim
