#include "shim/python_layout.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace flockstat::shim {
namespace {

/// The members of _Py_DebugOffsets that count, as places in an array of 64-bit words. 3.14 added members to
/// the parts before them.
struct Published {
    unsigned runtime_finalizing;
    unsigned thread_interpreter, thread_current_frame, thread_ident;
    unsigned frame_previous, frame_code, frame_instruction, frame_owner;
    unsigned code_file, code_qualified_name, code_line_table, code_first_line, code_instructions;
};

constexpr Published published_3_13 = {.runtime_finalizing = 4,
                                      .thread_interpreter = 22,
                                      .thread_current_frame = 23,
                                      .thread_ident = 24,
                                      .frame_previous = 29,
                                      .frame_code = 30,
                                      .frame_instruction = 31,
                                      .frame_owner = 33,
                                      .code_file = 35,
                                      .code_qualified_name = 37,
                                      .code_line_table = 38,
                                      .code_first_line = 39,
                                      .code_instructions = 43};

constexpr Published published_3_14 = {.runtime_finalizing = 4,
                                      .thread_interpreter = 25,
                                      .thread_current_frame = 26,
                                      .thread_ident = 27,
                                      .frame_previous = 32,
                                      .frame_code = 33,
                                      .frame_instruction = 34,
                                      .frame_owner = 36,
                                      .code_file = 40,
                                      .code_qualified_name = 42,
                                      .code_line_table = 43,
                                      .code_first_line = 44,
                                      .code_instructions = 48};
static_assert(published_3_14.code_instructions < published_python_words);

constexpr unsigned word_version = 1;
constexpr unsigned word_free_threaded = 2;

std::uint32_t version_of(unsigned minor) { return 0x03000000U | minor << 16U; }

bool is_minor(std::uint32_t version, unsigned minor) { return (version & 0xFFFF0000U) == version_of(minor); }

PythonLayout layout_from(const std::uint64_t *words, const Published &places, std::uint32_t version) {
    const auto at = [&](unsigned place) { return static_cast<std::uint32_t>(words[place]); };
    PythonLayout layout =
        python_layout_3_12; // strings are those of 3.12, and where a code object has its version
    layout.version = version;
    layout.has_c_frames = false;
    layout.runtime_finalizing = at(places.runtime_finalizing);
    layout.thread_interpreter = at(places.thread_interpreter);
    layout.thread_current_frame = at(places.thread_current_frame);
    layout.thread_ident = at(places.thread_ident);
    layout.frame_previous = at(places.frame_previous);
    layout.frame_code = at(places.frame_code);
    layout.frame_instruction = at(places.frame_instruction);
    layout.frame_kind = at(places.frame_owner);
    layout.code_file = at(places.code_file);
    layout.code_qualified_name = at(places.code_qualified_name);
    layout.code_line_table = at(places.code_line_table);
    layout.code_first_line = at(places.code_first_line);
    layout.code_instructions = at(places.code_instructions);
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
    const Published &places = is_minor(version, 13) ? published_3_13 : published_3_14;
    const auto is_small = [&](unsigned place) { return runtime[place] < UINT32_MAX; };
    for (unsigned place = word_free_threaded + 1; place < published_python_words; ++place) {
        if (!is_small(place)) {
            return false;
        }
    }
    *out = layout_from(runtime, places, version);
    return is_plausible(*out);
}

} // namespace flockstat::shim
