#include "shim/unwind.h"

#include "shim/module_map.h"
#include "shim/unwind_memory.h"

#include <algorithm>
#include <cstring>
#include <libunwind.h>
#include <utility>

// Exported by libunwind for remote unwinders, but declared in none of its installed headers.
extern "C" int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t, unw_word_t ip, unw_dyn_info_t *,
                                                  unw_proc_info_t *, int need_unwind_info, void *argument);

namespace flockstat::shim {
namespace {

#if defined(__x86_64__)
constexpr int frame_pointer_register = UNW_X86_64_RBP;
#elif defined(__aarch64__)
constexpr int frame_pointer_register = UNW_AARCH64_X29;
#endif

unw_addr_space_t address_space = nullptr;

/// The parts of a module that do not change while it is loaded: its segments that are not writable. The
/// unwind tables are in the first of them.
class ConstantSegments {
public:
    [[nodiscard]] bool contain(std::uintptr_t address, std::size_t bytes) const {
        for (unsigned i = 0; i < count_; ++i) {
            if (address >= segments_[i].start && address < segments_[i].end)
                return segments_[i].end - address >= bytes;
        }
        return false;
    }

    /// Takes the module's; false if the unwind tables are in none of them.
    bool take_from(const UnwindModule &module) {
        count_ = 0;
        for (std::size_t i = 0; i < module.headers.count && count_ < max_segments; ++i) {
            const Elf64_Phdr &header = module.headers.first[i];
            if (header.p_type != PT_LOAD || (header.p_flags & (PF_R | PF_W)) != PF_R)
                continue;
            const std::uintptr_t start = module.load_bias + header.p_vaddr;
            segments_[count_++] = {start, start + header.p_memsz};
            if (module.eh_frame_header >= start && module.eh_frame_header < start + header.p_memsz)
                std::swap(segments_[0], segments_[count_ - 1]);
        }
        return contain(module.eh_frame_header, 12);
    }

    void clear() { count_ = 0; }

private:
    struct Segment {
        std::uintptr_t start, end;
    };
    static constexpr unsigned max_segments = 4;

    Segment segments_[max_segments] = {};
    unsigned count_ = 0;
};

struct TableEntry {
    std::int32_t function, description; ///< from the start of .eh_frame_hdr
};

struct SearchTable {
    const TableEntry *entries;
    std::size_t count;
};

/// One unwinding, as libunwind's accessors see it.
class Unwinding {
public:
    Unwinding(const CallSite &site, UnwoundFrame *innermost) : site_(site), frame_(innermost) {}

    /// From here on, what is read is needed to leave `frame`, which was found by way of `inner`.
    void leave(UnwoundFrame *frame, const UnwoundFrame *inner) {
        frame_ = frame;
        inner_ = inner;
        needed_ = 0;
        described_ = false;
        scratch_.reset();
    }

    /// The last word that was needed, taken back: it is where the next frame's instruction was.
    std::uintptr_t take_return_slot(std::uintptr_t instruction) {
        if (needed_ == 0 || frame_->needed[needed_ - 1].value != instruction)
            return 0;
        const std::uintptr_t slot = frame_->needed[--needed_].address;
        frame_->needed[needed_] = {0, 0};
        return slot;
    }

    /// True if the module of the frame being left describes it.
    [[nodiscard]] bool described() const { return described_; }

    int read_memory(std::uintptr_t address, unw_word_t *value);
    int read_register(int number, unw_word_t *value);
    int describe(unw_word_t ip, unw_proc_info_t *info, int need_unwind_info);

private:
    void note(std::uintptr_t address, std::uintptr_t value);
    bool enter_module(std::uintptr_t address);
    bool find_table(SearchTable *out) const;
    bool find_entry(std::uintptr_t ip, unw_dyn_info_t *out) const;

    const CallSite &site_;
    UnwoundFrame *frame_;
    const UnwoundFrame *inner_ = nullptr;
    unsigned needed_ = 0;
    bool searching_ = false;
    bool described_ = false;
    UnwindModule module_ = {};
    ConstantSegments constant_;
    ReadablePages readable_;
    UnwindScratch scratch_;
};

void Unwinding::note(std::uintptr_t address, std::uintptr_t value) {
    for (unsigned i = 0; i < needed_; ++i) {
        if (frame_->needed[i].address == address)
            return;
    }
    // A frame pointer that a guess looked at for one frame is used for the next.
    for (unsigned i = 0; inner_ != nullptr && i < UnwoundFrame::max_needed; ++i) {
        if (inner_->needed[i].address == address)
            return;
    }
    if (needed_ == UnwoundFrame::max_needed) {
        frame_->untraceable = true;
        return;
    }
    frame_->needed[needed_++] = {address, value};
}

int Unwinding::read_memory(std::uintptr_t address, unw_word_t *value) {
    const bool is_constant = constant_.contain(address, sizeof *value);
    if (!is_constant && !readable_.contains(address, sizeof *value))
        return -UNW_EINVAL;
    *value = load_word(address);
    // Looking a function up reads nothing that changes, nor does a guess that looks at the code to return to.
    const bool is_code = !described_ && address - frame_->instruction < 2 * sizeof *value;
    if (!is_constant && !searching_ && !is_code)
        note(address, *value);
    return 0;
}

int Unwinding::read_register(int number, unw_word_t *value) {
    if (number == UNW_REG_IP) {
        // libunwind takes the first frame's for an interrupted instruction; the call itself is one byte back.
        *value = site_.return_address - 1;
    } else if (number == UNW_REG_SP) {
        *value = site_.stack_pointer;
    } else if (number == frame_pointer_register) {
        *value = site_.frame_pointer;
        frame_->needs_frame_pointer = true;
    } else {
        return -UNW_EBADREG; // no compiler addresses a frame by another, and a CallSite has no other
    }
    return 0;
}

bool Unwinding::enter_module(std::uintptr_t address) {
    if (address >= module_.start && address < module_.end)
        return true;
    module_ = {};
    constant_.clear();
    UnwindModule found;
    if (!find_unwind_module(address, &found) || found.eh_frame_header == 0 || !constant_.take_from(found)) {
        constant_.clear();
        return false;
    }
    module_ = found;
    return true;
}

/// The binary search table of .eh_frame_hdr (Linux Standard Base, "DWARF Extensions"), in the one form that
/// linkers write: a 4-byte count, then pairs of 4-byte offsets from the header, of a function and of its
/// description, sorted.
bool Unwinding::find_table(SearchTable *out) const {
    constexpr std::uint8_t version = 1;
    constexpr std::uint8_t udata4 = 0x03;
    constexpr std::uint8_t datarel_sdata4 = 0x3b;
    std::uint8_t header[4];
    std::memcpy(header, reinterpret_cast<const void *>(module_.eh_frame_header), sizeof header);
    const std::uint8_t pointer_form = header[1] & 0x07; // of a pointer to .eh_frame, which nobody needs
    if (header[0] != version || (pointer_form != 3 && pointer_form != 4) || header[2] != udata4 ||
        header[3] != datarel_sdata4)
        return false;
    const std::size_t pointer_bytes = pointer_form == 3 ? 4 : 8;
    const std::uintptr_t count_address = module_.eh_frame_header + sizeof header + pointer_bytes;
    std::uint32_t count = 0;
    if (!constant_.contain(count_address, sizeof count))
        return false;
    std::memcpy(&count, reinterpret_cast<const void *>(count_address), sizeof count);
    out->entries = reinterpret_cast<const TableEntry *>(count_address + sizeof count);
    out->count = count;
    return constant_.contain(count_address + sizeof count, count * sizeof(TableEntry));
}

/// libunwind would search the table itself, a byte at a time through read_memory: a third of the time of an
/// unwinding. So it gets a table of the one entry that it would find.
bool Unwinding::find_entry(std::uintptr_t ip, unw_dyn_info_t *out) const {
    SearchTable table;
    if (!find_table(&table))
        return false;
    const auto offset = static_cast<std::int64_t>(ip - module_.eh_frame_header);
    const TableEntry *const after = std::upper_bound(
        table.entries, table.entries + table.count, offset,
        [](std::int64_t wanted, const TableEntry &entry) { return wanted < entry.function; });
    if (after == table.entries)
        return false;
    std::memset(out, 0, sizeof *out);
    out->format = UNW_INFO_FORMAT_REMOTE_TABLE;
    out->start_ip = module_.start;
    out->end_ip = module_.end;
    out->u.rti.segbase = module_.eh_frame_header;
    out->u.rti.table_data = reinterpret_cast<std::uintptr_t>(after - 1);
    out->u.rti.table_len = sizeof(TableEntry) / sizeof(unw_word_t);
    return true;
}

int Unwinding::describe(unw_word_t ip, unw_proc_info_t *info, int need_unwind_info) {
    unw_dyn_info_t table;
    if (!enter_module(ip) || !find_entry(ip, &table))
        return -UNW_ENOINFO;
    searching_ = true;
    const int result =
        UNW_OBJ(dwarf_search_unwind_table)(address_space, ip, &table, info, need_unwind_info, this);
    searching_ = false;
    described_ = result == 0;
    return result;
}

int access_memory(unw_addr_space_t, unw_word_t address, unw_word_t *value, int is_write, void *unwinding) {
    return is_write != 0 ? -UNW_EINVAL : static_cast<Unwinding *>(unwinding)->read_memory(address, value);
}

int access_register(unw_addr_space_t, unw_regnum_t number, unw_word_t *value, int is_write, void *unwinding) {
    return is_write != 0 ? -UNW_EREADONLYREG
                         : static_cast<Unwinding *>(unwinding)->read_register(number, value);
}

int find_unwind_info(unw_addr_space_t, unw_word_t ip, unw_proc_info_t *info, int need_unwind_info,
                     void *unwinding) {
    return static_cast<Unwinding *>(unwinding)->describe(ip, info, need_unwind_info);
}

void put_unwind_info(unw_addr_space_t, unw_proc_info_t *, void *) {}

int no_dynamic_list(unw_addr_space_t, unw_word_t *, void *) { return -UNW_ENOINFO; }

int no_float_register(unw_addr_space_t, unw_regnum_t, unw_fpreg_t *, int, void *) { return -UNW_EBADREG; }

int no_resume(unw_addr_space_t, unw_cursor_t *, void *) { return -UNW_EINVAL; }

int no_name(unw_addr_space_t, unw_word_t, char *, std::size_t, unw_word_t *, void *) { return -UNW_ENOINFO; }

/// Whether leaving the last frame found the outermost end. Step 0 is libunwind's "no caller", but it says so
/// as well where it has neither a description nor a frame pointer.
enum class End { none, outermost, broken };

End end_after(int step, unw_word_t caller, bool described) {
    if (step > 0)
        return caller == 0 ? End::outermost
                           : End::none; // threads' first frames may be given a null return address
    return step == 0 && described ? End::outermost : End::broken;
}

} // namespace

bool unwind_init() {
    if (address_space != nullptr)
        return true;
    if (!module_map_init())
        return false;
    unw_accessors_t accessors = {};
    accessors.find_proc_info = find_unwind_info;
    accessors.put_unwind_info = put_unwind_info;
    accessors.get_dyn_info_list_addr = no_dynamic_list;
    accessors.access_mem = access_memory;
    accessors.access_reg = access_register;
    accessors.access_fpreg = no_float_register;
    accessors.resume = no_resume;
    accessors.get_proc_name = no_name;
    serve_libunwind_from_static_memory(true);
    unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
    serve_libunwind_from_static_memory(false);
    if (space == nullptr)
        return false;
    // Its caches take a mutex, or kilobytes of thread-local memory. This also runs libunwind's own set-up.
    unw_set_caching_policy(space, UNW_CACHE_NONE);
    if (!libunwind_wraps_fit())
        return false;
    address_space = space;
    return true;
}

UnwindResult unwind(const CallSite &site, UnwoundFrame *frames, unsigned capacity) {
    UnwindResult result = {};
    if (capacity == 0) {
        result.truncated = true;
        return result;
    }
    frames[0] = {};
    frames[0].instruction = site.return_address;
    result.depth = 1;
    Unwinding unwinding(site, frames);
    unw_cursor_t cursor;
    if (address_space == nullptr || unw_init_remote(&cursor, address_space, &unwinding) < 0) {
        result.broken = true;
        return result;
    }
    for (;;) {
        UnwoundFrame *const frame = &frames[result.depth - 1];
        unwinding.leave(frame, result.depth > 1 ? frame - 1 : nullptr);
        const int step = unw_step(&cursor);
        frame->doubtful = !unwinding.described();
        unw_word_t caller = 0;
        const bool known = unw_get_reg(&cursor, UNW_REG_IP, &caller) == 0;
        const End end = known ? end_after(step, caller, unwinding.described()) : End::broken;
        if (end != End::none) {
            result.broken = end == End::broken;
            frame->doubtful |= result.broken;
            return result;
        }
        const bool interrupted = unw_is_signal_frame(&cursor) > 0;
        if (interrupted) {
            frame->instruction +=
                1; // the trampoline was not called either: its first instruction is returned to
            frame->untraceable = true;
            result.through_signal = true;
        }
        if (result.depth == capacity) {
            result.truncated = true;
            return result;
        }
        UnwoundFrame *const next = &frames[result.depth++];
        *next = {};
        next->instruction = interrupted ? caller + 1 : caller;
        next->return_slot = interrupted ? 0 : unwinding.take_return_slot(caller);
    }
}

} // namespace flockstat::shim
