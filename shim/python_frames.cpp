#include "shim/python_frames.h"

#include "shim/python_chain.h"
#include "shim/python_line.h"
#include "shim/python_text.h"

#include <algorithm>
#include <cstring>

namespace flockstat::shim {
namespace {

/// Reads what can be read; a failure is remembered, and what was read since is 0.
class CheckedReader {
public:
    [[nodiscard]] std::uintptr_t word(std::uintptr_t address) { return read<std::uintptr_t>(address); }
    [[nodiscard]] std::uint32_t half(std::uintptr_t address) { return read<std::uint32_t>(address); }
    [[nodiscard]] std::uint8_t byte(std::uintptr_t address) { return read<std::uint8_t>(address); }
    [[nodiscard]] bool failed() const { return failed_; }

    /// Is the object's type of that name? (PyTypeObject: tp_name follows a PyVarObject.)
    [[nodiscard]] bool is(std::uintptr_t object, std::string_view type_name) {
        constexpr std::size_t type_name_at = 24;
        const std::uintptr_t name = word(word(object + python_object_type) + type_name_at);
        for (std::size_t i = 0; i <= type_name.size() && !failed_; ++i) {
            if (static_cast<char>(byte(name + i)) != (i == type_name.size() ? '\0' : type_name[i])) {
                return false;
            }
        }
        return !failed_;
    }

    template<typename Value>
    Value read(std::uintptr_t address) {
        Value value = 0;
        if (failed_ || address % sizeof value != 0 || !pages_.contains(address, sizeof value)) {
            failed_ = true;
            return 0;
        }
        std::memcpy(&value, reinterpret_cast<const void *>(address), sizeof value);
        return value;
    }

private:
    ReadablePages pages_;
    bool failed_ = false;
};

/// 3.11: an evaluation's data are a _PyCFrame, which says with which frame it began, and the frame that it
/// ends with is marked.
class MarkedChain {
public:
    MarkedChain(CheckedReader &reader, const PythonLayout &layout, std::uintptr_t thread)
        : reader_(reader), layout_(layout), c_frame_(reader.word(thread + layout.thread_current_frame)) {}

    [[nodiscard]] std::uintptr_t first() { return reader_.word(c_frame_ + layout_.c_frame_current); }

    /// The evaluation that `frame`, the first one of a new run of frames, is in. Whoever switches stacks
    /// (greenlet) may have put in _PyCFrames without a frame.
    [[nodiscard]] std::uintptr_t evaluation_of(std::uintptr_t frame) {
        constexpr unsigned most = 8;
        for (unsigned i = 0; i < most && c_frame_ != 0 && !reader_.failed(); ++i) {
            const std::uintptr_t here = c_frame_;
            c_frame_ = reader_.word(here + layout_.c_frame_previous);
            if (reader_.word(here + layout_.c_frame_current) == frame) {
                return here;
            }
        }
        return 0;
    }

private:
    CheckedReader &reader_;
    const PythonLayout &layout_;
    std::uintptr_t c_frame_;
};

unsigned read_marked(CheckedReader &reader, const PythonLayout &layout, std::uintptr_t thread,
                     PythonFrame *frames, unsigned capacity) {
    MarkedChain chain(reader, layout, thread);
    unsigned depth = 0;
    std::uintptr_t evaluation = 0;
    for (std::uintptr_t frame = chain.first(); frame != 0 && depth < capacity;
         frame = reader.word(frame + layout.frame_previous)) {
        if (evaluation == 0) {
            evaluation = chain.evaluation_of(frame);
        }
        frames[depth++] = {reader.word(frame + layout.frame_code),
                           reader.word(frame + layout.frame_instruction), evaluation};
        if (reader.failed() || evaluation == 0) {
            return 0;
        }
        if (reader.byte(frame + layout.frame_kind) != 0) {
            evaluation = 0;
        }
    }
    return depth;
}

/// Later: an evaluation's data are a frame of its own, the last one of its run.
unsigned read_entered(CheckedReader &reader, const PythonLayout &layout, std::uintptr_t thread,
                      PythonFrame *frames, unsigned capacity) {
    std::uintptr_t frame = reader.word(thread + layout.thread_current_frame);
    if (layout.has_c_frames) {
        frame = reader.word(frame + layout.c_frame_current);
    }
    unsigned depth = 0;
    unsigned run_start = 0;
    for (unsigned steps = 0; frame != 0 && depth < capacity && steps < 4 * max_python_chain; ++steps) {
        if (reader.byte(frame + layout.frame_kind) >= PythonLayout::first_entry_owner) {
            for (; run_start < depth; ++run_start) {
                frames[run_start].evaluation = frame;
            }
        } else {
            const std::uintptr_t code = reader.word(frame + layout.frame_code);
            frames[depth++] = {code & ~PythonLayout::code_tag_bits,
                               reader.word(frame + layout.frame_instruction), 0};
        }
        frame = reader.word(frame + layout.frame_previous);
        if (reader.failed()) {
            return 0;
        }
    }
    return frame == 0 ? run_start : depth;
}

/// Appends a character as UTF-8. Python stands lone surrogates U+DC80 to U+DCFF for bytes of a file name that
/// are no UTF-8 (PEP 383).
std::size_t put_character(char *out, std::uint32_t character) {
    const auto low = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3FU)); };
    if (character >= 0xDC80U && character <= 0xDCFFU) {
        out[0] = static_cast<char>(character & 0xFFU);
        return 1;
    }
    if (character < 0x80U) {
        out[0] = static_cast<char>(character);
        return 1;
    }
    if (character < 0x800U) {
        out[0] = static_cast<char>(0xC0U | character >> 6U);
        out[1] = low(character);
        return 2;
    }
    if (character < 0x10000U) {
        out[0] = static_cast<char>(0xE0U | character >> 12U);
        out[1] = low(character >> 6U);
        out[2] = low(character);
        return 3;
    }
    out[0] = static_cast<char>(0xF0U | (character >> 18U & 7U));
    out[1] = low(character >> 12U);
    out[2] = low(character >> 6U);
    out[3] = low(character);
    return 4;
}

/// The text of a str; nothing where it is none.
std::size_t read_text(const PythonLayout &layout, std::uintptr_t string, char *out, std::size_t capacity) {
    CheckedReader reader;
    PythonText text;
    if (!reader.is(string, "str") || !describe_python_text(layout, reader.half(string + python_string_state),
                                                           reader.word(string + python_var_size), &text)) {
        return 0;
    }
    constexpr std::size_t widest = 4;
    std::size_t used = 0;
    for (std::uint64_t i = 0; i < text.length && used + widest <= capacity; ++i) {
        const std::uintptr_t at = string + text.offset + i * text.width;
        const std::uint32_t character = text.width == 1   ? reader.byte(at)
                                        : text.width == 2 ? reader.read<std::uint16_t>(at)
                                                          : reader.half(at);
        if (reader.failed()) {
            break;
        }
        used += put_character(out + used, character);
    }
    return used;
}

std::uint32_t read_line(const PythonLayout &layout, const PythonFrame &frame, std::uint32_t first_line) {
    CheckedReader reader;
    const std::uintptr_t table = reader.word(frame.code + layout.code_line_table);
    const std::uintptr_t start = frame.code + layout.code_instructions;
    const std::uint64_t bytes = reader.word(table + python_var_size);
    if (!reader.is(table, "bytes") || frame.instruction < start) {
        return first_line; // a function that has not begun
    }
    return python_line(first_line, bytes, frame.instruction - start,
                       [&](std::uint64_t at, std::uint8_t *out) {
                           *out = reader.byte(table + python_bytes_text + at);
                           return !reader.failed();
                       });
}

} // namespace

unsigned read_python_frames(const PythonLayout &layout, std::uintptr_t thread, PythonFrame *frames,
                            unsigned capacity) {
    CheckedReader reader;
    return layout.marks_entry() ? read_marked(reader, layout, thread, frames, capacity)
                                : read_entered(reader, layout, thread, frames, capacity);
}

bool read_python_code(const PythonLayout &layout, const PythonFrame &frame, PythonFunction *out) {
    CheckedReader reader;
    if (!reader.is(frame.code, "code")) {
        return false;
    }
    const std::uintptr_t name = reader.word(frame.code + layout.code_qualified_name);
    const std::uintptr_t file = reader.word(frame.code + layout.code_file);
    out->first_line = reader.half(frame.code + layout.code_first_line);
    if (reader.failed()) {
        return false;
    }
    out->name_bytes = read_text(layout, name, out->name, sizeof out->name);
    out->file_bytes = read_text(layout, file, out->file, sizeof out->file);
    out->line = read_line(layout, frame, out->first_line);
    return true;
}

} // namespace flockstat::shim
