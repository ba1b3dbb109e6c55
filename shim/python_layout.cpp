#include "shim/python_layout.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace flockstat::shim {
namespace {

/// Where the parts of _Py_DebugOffsets begin that count, in 64-bit words. 3.14 added members to the ends of
/// parts; the first ones are the same.
struct Parts {
    unsigned thread_state, interpreter_frame, code_object;
};
constexpr Parts parts_3_13 = {.thread_state = 19, .interpreter_frame = 28, .code_object = 34};
constexpr Parts parts_3_14 = {.thread_state = 22, .interpreter_frame = 31, .code_object = 39};

/// A member of a part: the first is the structure's size.
constexpr unsigned runtime_finalizing = 4; ///< from the start of all
constexpr unsigned thread_interpreter = 3, thread_current_frame = 4, thread_ident = 5;
constexpr unsigned frame_previous = 1, frame_code = 2, frame_instruction = 3, frame_owner = 5;
constexpr unsigned code_file = 1, code_qualified_name = 3, code_line_table = 4, code_first_line = 5,
                   code_instructions = 9;
static_assert(parts_3_14.code_object + code_instructions < published_python_words);

constexpr unsigned word_version = 1;
constexpr unsigned word_free_threaded = 2;

std::uint32_t version_of(unsigned minor) { return 0x03000000U | minor << 16U; }

bool is_minor(std::uint32_t version, unsigned minor) { return (version & 0xFFFF0000U) == version_of(minor); }

PythonLayout layout_from(const std::uint64_t *words, const Parts &parts, std::uint32_t version) {
    const auto members = [&](unsigned part) {
        return [=](unsigned member) { return static_cast<std::uint32_t>(words[part + member]); };
    };
    const auto thread = members(parts.thread_state);
    const auto frame = members(parts.interpreter_frame);
    const auto code = members(parts.code_object);
    PythonLayout layout =
        python_layout_3_12; // strings are those of 3.12, and where a code object has its version
    layout.version = version;
    layout.has_c_frames = false;
    layout.runtime_finalizing = static_cast<std::uint32_t>(words[runtime_finalizing]);
    layout.thread_interpreter = thread(thread_interpreter);
    layout.thread_current_frame = thread(thread_current_frame);
    layout.thread_ident = thread(thread_ident);
    layout.frame_previous = frame(frame_previous);
    layout.frame_code = frame(frame_code);
    layout.frame_instruction = frame(frame_instruction);
    layout.frame_kind = frame(frame_owner);
    layout.code_file = code(code_file);
    layout.code_qualified_name = code(code_qualified_name);
    layout.code_line_table = code(code_line_table);
    layout.code_first_line = code(code_first_line);
    layout.code_instructions = code(code_instructions);
    layout.has_usual_frames = layout.frame_code == python_layout_3_12.frame_code &&
                              layout.frame_previous == python_layout_3_12.frame_previous &&
                              layout.frame_instruction == python_layout_3_12.frame_instruction;
    return layout;
}

/// Offsets as structures of a few hundred bytes have them, pointers aligned.
bool is_plausible(const PythonLayout &layout) {
    constexpr std::uint32_t largest = 4096;
    const std::uint32_t pointers[] = {
        layout.runtime_finalizing, layout.thread_interpreter, layout.thread_current_frame,
        layout.thread_ident,       layout.frame_code,         layout.frame_previous,
        layout.frame_instruction,  layout.code_file,          layout.code_qualified_name,
        layout.code_line_table,    layout.code_instructions};
    return layout.frame_kind < largest && layout.code_first_line < largest &&
           layout.code_first_line % sizeof(std::uint32_t) == 0 &&
           std::all_of(std::begin(pointers), std::end(pointers), [](std::uint32_t offset) {
               return offset < largest && offset % sizeof(std::uintptr_t) == 0;
           });
}

} // namespace

bool python_version_is_known(std::uint32_t version) {
    return version >= version_of(11) && version < version_of(15);
}

bool tabled_python_layout(std::uint32_t version, PythonLayout *out) {
    if (!is_minor(version, 11) && !is_minor(version, 12)) {
        return false;
    }
    *out = is_minor(version, 11) ? python_layout_3_11 : python_layout_3_12;
    out->version = version;
    return true;
}

bool published_python_layout(const std::uint64_t *runtime, std::uint32_t version, PythonLayout *out) {
    if ((!is_minor(version, 13) && !is_minor(version, 14)) ||
        std::memcmp(runtime, "xdebugpy", sizeof *runtime) != 0 || runtime[word_version] != version ||
        runtime[word_free_threaded] != 0) {
        return false;
    }
    const Parts &parts = is_minor(version, 13) ? parts_3_13 : parts_3_14;
    const auto is_small = [&](unsigned place) { return runtime[place] < UINT32_MAX; };
    for (unsigned place = word_free_threaded + 1; place < published_python_words; ++place) {
        if (!is_small(place)) {
            return false;
        }
    }
    *out = layout_from(runtime, parts, version);
    return is_plausible(*out);
}

} // namespace flockstat::shim
