#include "shim/unwind.h"

#include "shim/module_map.h"
#include "shim/unwind_memory.h"
#include "shim/unwind_tables.h"

#include <cstring>
#include <libunwind.h>

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

    const CallSite &site_;
    UnwoundFrame *frame_;
    const UnwoundFrame *inner_ = nullptr;
    unsigned needed_ = 0;
    bool searching_ = false;
    bool described_ = false;
    UnwindTables tables_;
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
    const bool is_constant = tables_.module_is_constant_at(address, sizeof *value);
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

int Unwinding::describe(unw_word_t ip, unw_proc_info_t *info, int need_unwind_info) {
    UnwindTables::Entry entry;
    if (!tables_.find(ip, &entry))
        return -UNW_ENOINFO;
    // libunwind would search the module's whole table, a byte at a time through read_memory: half the time of
    // an unwinding. So it gets a table of the one entry that it would find.
    unw_dyn_info_t table;
    std::memset(&table, 0, sizeof table);
    table.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    table.start_ip = entry.module_start;
    table.end_ip = entry.module_end;
    table.u.rti.segbase = entry.base;
    table.u.rti.table_data = entry.address;
    table.u.rti.table_len = UnwindTables::entry_bytes / sizeof(unw_word_t);
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
